from orm import Base, Column
class User(Base, table='people'):
    id = Column('int')
    name = Column('varchar')
    mail = Column('text')
class Post(Base):
    id = Column('int')
class Tag(Base):
    word = Column('text')
