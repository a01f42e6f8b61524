from conf import SETTINGS

DB = SETTINGS["db"]
TAGS = SETTINGS["tags"]
LIMITS = SETTINGS["limits"]


def where(db=SETTINGS["db"]):
    return db
