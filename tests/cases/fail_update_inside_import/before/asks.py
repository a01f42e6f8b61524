import drive

OUTCOME = drive.ask()
