from shop import cart as basket
