import pytest

from mien.errors import MienError
from mien.report.curves import plot_curves

LOG = """epoch,step,train/loss_step,train/loss_epoch,valid/loss,valid/average_f1,lr-Adam
0,0,1.5,,,,0.001
0,1,1.2,,,,0.0005
0,1,,1.35,1.4,0.3,
1,2,nan,,,,0.0001
1,3,0.9,,,,
1,3,,1.0,inf,0.5,
"""


def test_curves_are_drawn(tmp_path, pixels):
    (tmp_path / "metrics.csv").write_text(LOG)
    plot_curves(tmp_path / "metrics.csv", tmp_path / "curves.png")
    found = pixels(tmp_path / "curves.png")
    assert found.std() > 5
    assert found.shape[1] > 3.5 * found.shape[0]  # three panels: loss, F1, learning rate


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (None, "no training log"),
        ("epoch,step,loss\n", "holds no values"),
        ("epoch,step,loss\n0,0,many\n", "not a training log"),
        ("loss\n1\n", "not a training log"),
        ("epoch,step,loss\n0,0,1,2,3\n", "not a training log"),
    ],
)
def test_log_that_cannot_be_drawn(tmp_path, log, words):
    path = tmp_path / "metrics.csv"
    if log is not None:
        path.write_text(log)
    with pytest.raises(MienError, match=words):
        plot_curves(path, tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()
