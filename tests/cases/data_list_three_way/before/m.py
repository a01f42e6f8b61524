STEPS = ['load', 'parse', 'check', 'save']
