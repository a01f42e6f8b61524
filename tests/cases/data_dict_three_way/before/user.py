from m import CONFIG
