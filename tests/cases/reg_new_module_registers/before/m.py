import hub

hub.register('m')
