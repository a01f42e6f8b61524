import conf
from conf import WIDTH, HEIGHT as H
class Screen:
    w = WIDTH
    area = WIDTH * H
    table = {i: i * conf.WIDTH for i in range(2)}
    def size(self, pad=WIDTH): return (self.w, pad, conf.HEIGHT)
class Small(Screen):
    w = Screen.w // 2
TOTAL = Screen.area + Small.w
