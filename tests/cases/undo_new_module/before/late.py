import names
