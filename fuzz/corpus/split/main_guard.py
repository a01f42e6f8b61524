if __name__ == "__main__":
    main()
if  __name__=='__main__' : main()
if __name__ == "__main__": pass
else: pass
if __name__ == "__main__" and x: pass
if (__name__ == "__main__"): pass
if __name__ == \
   "__main__":
    pass
class C:
    if __name__ == "__main__": pass
