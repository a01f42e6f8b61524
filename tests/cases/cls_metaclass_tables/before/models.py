from orm import Base, Column
class User(Base, table='users'):
    id = Column('int')
    name = Column('text')
class Post(Base):
    id = Column('int')
