"""doc one"""
X = 1
