import io


class E(io.BytesIO):
    pass
