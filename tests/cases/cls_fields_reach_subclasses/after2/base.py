from dataclasses import dataclass, field
@dataclass
class Base:
    name: str = "anon"
    tags: list = field(default_factory=list)
    extra: dict = field(default_factory=dict)
