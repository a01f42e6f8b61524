from typing import TYPE_CHECKING

import lib

if TYPE_CHECKING:
    from lib import LIMIT, Thing

if lib:
    from lib import LIMIT as taken
