größe = 1
ｘ = 2
def ﬁeld(µ): return µ
class Äpfel:
    ö = "ü"  # ä
    def 方法(self): import ﬁ.os as ｏs
名前 = größe
