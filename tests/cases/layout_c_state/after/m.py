import io


class E(io.BytesIO):
    __slots__ = ('code',)
