from .model import Model
from .conf import RATE
