"""A script."""
VERSION = (1, 3, 0)
__version__ = '.'.join(map(str, VERSION))
USAGE = 'prog %s' % __version__
