def stays():
    return 2
