from m import TAG

TEXT = f"{TAG}!"
