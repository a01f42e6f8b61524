import conf

HOME = 'http://localhost:%d/' % conf.PORT
