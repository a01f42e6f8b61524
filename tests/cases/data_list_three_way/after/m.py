STEPS = ['load', 'clean', 'parse', 'save']
