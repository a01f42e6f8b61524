import orm, models
