"""The lessons measure and draw a shop of 12 products, where a list of 50 holds them all."""

from lessons.common.maps import portray
from lessons.lesson_03 import pictures as lesson_03
from lessons.lesson_05 import pictures as lesson_05
from lessons.lesson_08 import pictures as lesson_08
from lessons.lesson_10 import pictures as lesson_10


def test_the_lessons_measure_a_small_shop(small_shop, small_shop_learned):
    model, evaluation = small_shop_learned
    assert portray(model, evaluation.cases).recall_50 == 1
    assert lesson_05.mean_vector_recall(evaluation, model).mean() == 1
    assert len(lesson_03.lost_without(evaluation)) == model.num_towers
    assert lesson_08.report(model, evaluation.cases).recall.mean() == 1
    customers = lesson_10.Customers(model, model, evaluation.cases, small_shop) if model.num_towers == 1 else None
    for shows in lesson_10.SHOWS if customers else ():
        assert customers is not None
        assert "of 20, bought later" in customers.draw(customers.start | {"num": 20, "shows": shows}).layout.title.text
