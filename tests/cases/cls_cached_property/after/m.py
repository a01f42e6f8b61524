import functools


class Doc:
    @functools.cached_property
    def words(self):
        return ['new']
