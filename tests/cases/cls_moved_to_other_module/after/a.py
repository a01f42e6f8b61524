from b import Unit
