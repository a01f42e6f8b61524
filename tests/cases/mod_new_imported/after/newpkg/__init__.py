NAME = 'newpkg'
