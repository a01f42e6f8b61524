from .tool import tool
