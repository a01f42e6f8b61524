import hub
import extra

hub.register('m')
