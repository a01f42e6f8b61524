def tool():
    return 'called'
