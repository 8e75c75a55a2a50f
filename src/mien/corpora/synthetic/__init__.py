"""A small made-up corpus in IEMOCAP's own release layout, for trying things without the real one.

Ten drawn persons with synthetic voices talk in five sessions. Words, voice and face each show the
emotion of a turn more often than not, independently of one another, so that each tells something
and together they tell more. It shows that the machinery works; it says nothing about people.
"""
