from fields import Field


class Row:
    title = Field()
