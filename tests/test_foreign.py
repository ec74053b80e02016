"""Networks that were not trained here: exact conversions, their files, rows that use them."""

import json
import sys
from types import SimpleNamespace

import deepinv
import pytest
import torch
import yaml
from conftest import ROOT
from deepinv.physics import GaussianNoise, LinearPhysics, Physics
from running import copy_project, run
from torch import nn

from methods.priors.foreign import ForeignDenoiser, Predictor, from_diffusers, from_unet
from problems.ct import CT
from problems.noise import ImageNoise
from workflow.api import Row
from workflow.config.entry import ConfigError
from workflow.config.jobs import Jobs
from workflow.config.resolve import read, resolve
from workflow.plugins.params import PluginError
from workflow.store.weights import load_foreign

MEAN, SPREAD = 0.4, 0.15  # of Gaussian images in [0, 1]
BETAS = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
ALPHAS = (1 - BETAS).cumprod(0)
CPU, F32 = torch.device("cpu"), torch.float32

DRUNET = """
import deepinv

def denoiser():
    return deepinv.models.DRUNet(1, 1, nc=(8, 8, 8, 8), nb=1, pretrained=None)
"""
UNET = """
import torch
from torch import nn
from types import SimpleNamespace
from methods.priors.foreign import Predictor

class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(1, 8, 2, stride=2)
        self.up = nn.ConvTranspose2d(8, 1, 2, stride=2)

    def forward(self, x, t):
        return SimpleNamespace(sample=self.up(self.down(x).tanh()) + 0.001 * t[:, None, None, None])

def denoiser():
    alphas = (1 - torch.linspace(1e-4, 0.02, 1000)).cumprod(0)
    return Predictor(UNet(), "epsilon", alphas, multiple=2)
"""


def exact_predictor(predicts, level_of, preserving, low, width):
    """The network of N(MEAN, SPREAD^2) in closed form; it knows its noise by ``level_of(t)``."""
    mean, variance = low + width * MEAN, (width * SPREAD) ** 2

    def network(z, t):
        s = level_of(t.double())[:, None, None, None]
        a = 1 / (1 + s**2).sqrt() if preserving else torch.ones_like(s)
        b = s * a
        total = a**2 * variance + b**2  # of z
        gap = z.double() - a * mean
        clean, noise = mean + a * variance / total * gap, b / total * gap
        found = {
            "x0": clean, "epsilon": noise, "v": a * noise - b * clean, "score": -gap / total
        }[predicts]  # fmt: skip
        return SimpleNamespace(sample=found.to(z.dtype))

    return network


def ladder(levels):
    """The noise level at times between whole ones, as the logarithm is interpolated."""

    def level_of(t):
        low = t.floor().long().clamp(0, len(levels) - 2)
        share = t - low
        return (levels.log()[low] * (1 - share) + levels.log()[low + 1] * share).exp()

    return level_of


@pytest.mark.parametrize("predicts", ["epsilon", "v", "x0", "score"])
@pytest.mark.parametrize("process", ["vp", "ve table", "ve"])
@pytest.mark.parametrize("values", [(-1.0, 1.0), (0.0, 1.0)])
def test_the_converted_network_of_gaussian_data_is_the_exact_denoiser(predicts, process, values):
    width = values[1] - values[0]
    sigmas = torch.logspace(-2, 2, 400, dtype=torch.float64)
    level_of, given = {
        "vp": (ladder(((1 - ALPHAS) / ALPHAS).sqrt()), {"alphas_cumprod": ALPHAS}),
        "ve table": (ladder(sigmas), {"sigmas": sigmas}),
        "ve": (lambda t: t, {}),
    }[process]
    network = exact_predictor(predicts, level_of, process == "vp", values[0], width)
    denoise = Predictor(network, predicts, **given, values=values, multiple=8)
    for sigma in (0.02, 0.3, 3.0, 30.0):
        x = torch.randn(3, 1, 12, 20, generator=torch.Generator().manual_seed(1)).double()
        x = MEAN + (SPREAD**2 + sigma**2) ** 0.5 * x
        exact = MEAN + SPREAD**2 / (SPREAD**2 + sigma**2) * (x - MEAN)
        for kind, limit in ((torch.float64, 1e-8), (torch.float32, 1e-5 * max(1, sigma))):
            found = denoise(x.to(kind), torch.full((3,), sigma, dtype=kind))
            assert found.shape == x.shape
            assert found.dtype == kind
            # In float32 rounding is relative to x, whose values are of the size of sigma.
            assert float((found - exact).abs().max()) < limit


def test_levels_of_noise_find_their_times():
    denoise = Predictor(lambda z, t: z, "epsilon", ALPHAS)
    levels = ((1 - ALPHAS) / ALPHAS).sqrt()
    asked = levels[[0, 17, 999]].float()
    assert torch.allclose(denoise.time(asked), torch.tensor([0.0, 17.0, 999.0]), atol=1e-2)
    middle = (levels[17] * levels[18]).sqrt().float()[None]
    assert torch.allclose(denoise.time(middle), torch.tensor([17.5]), atol=1e-3)
    whole = Predictor(lambda z, t: z, "epsilon", ALPHAS, between=False)
    assert float(whole.time(0.99 * levels[18:19].float())) == 18
    assert float(denoise.time(torch.tensor([1e-4]))) == 0  # hardly any noise
    with pytest.raises(ValueError, match=r"noise of 90 is above 78.7.*lower sigma_max"):
        denoise(torch.zeros(1, 1, 4, 4), torch.tensor([90.0]))


def test_learned_variances_are_dropped_and_gradients_pass():
    network = nn.Conv2d(1, 2, 3, padding=1)
    denoise = ForeignDenoiser(Predictor(lambda z, t: (network(z),), "x0", ALPHAS, multiple=8))
    x = torch.rand(2, 1, 10, 12, requires_grad=True)
    d = denoise(x, torch.full((2,), 0.1))
    assert d.shape == x.shape
    assert float(torch.autograd.grad(d.sum(), x)[0].abs().sum()) > 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"predicts": "noise"}, "write epsilon, v, x0 or score"),
        ({"values": (1, 0)}, "the first must be the smaller"),
        ({"alphas_cumprod": ALPHAS.flip(0)}, r"alphas_cumprod must fall within \(0, 1\)"),
        ({"sigmas": [1.0, 0.5]}, "sigmas must rise from above 0"),
        ({"sigmas": [0.5, 1.0], "alphas_cumprod": ALPHAS}, "give one of them"),
    ],
)
def test_schedules_that_cannot_be_are_refused(given, message):
    with pytest.raises(ValueError, match=message) as error:
        Predictor(lambda z, t: z, **given)
    assert "\n" not in str(error.value)


def foreign(tmp_path, code, patch=None, name="theirs"):
    file = tmp_path / f"{name}.py"
    file.write_text(code)
    return {"name": name, "file": str(file), "weights": None, "patch": patch}


@pytest.mark.parametrize("code", [DRUNET, UNET], ids=["deepinv", "diffusers"])
@pytest.mark.parametrize(
    ("assembly", "patch"),
    [("whole", None), ("random_grid", 8), ("fixed_grid", 8), ("average", 8), ("stitch", 8)],
)
def test_a_network_is_a_prior_that_can_be_differentiated(tmp_path, code, assembly, patch):
    prior = load_foreign(foreign(tmp_path, code, patch), assembly, (1, 24, 20), CPU, F32, 2)
    prior = prior.bind(ImageNoise([1, 2]))
    x = torch.rand(2, *prior.state_shape, requires_grad=True)
    with torch.enable_grad():
        d = prior.denoise(x, 0.1)
    assert d.shape == x.shape
    assert float(torch.autograd.grad(d.sum(), x)[0].abs().sum()) > 0
    again = load_foreign(foreign(tmp_path, code, patch), assembly, (1, 24, 20), CPU, F32, 2)
    again = again.bind(ImageNoise([1, 2]))
    assert torch.equal(d, again.denoise(x, 0.1))  # weights are drawn from one seed


SCORE = """deepinv.models.ScoreModelWrapper(
    lambda x, t: torch.nn.functional.avg_pool2d(x, 3, 1, 1), "epsilon", variance_preserving=True,
    scale_t=(1 - torch.linspace(1e-4, 0.02, 1000)).cumprod(0).sqrt(), takes_integer_time=True)"""


@pytest.mark.parametrize(
    ("code", "jacobian"),
    [
        ("deepinv.models.DnCNN(1, 1, pretrained=None, depth=3, nf=8)", True),
        ("deepinv.models.NCSNpp('ncsn', in_channels=1, out_channels=1, model_channels=32, "
         "channel_mult=(1, 2), num_blocks=1, augment_dim=0, pretrained=None)", True),
        ("deepinv.models.EDMPrecond(lambda x, s, class_labels=None: x.tanh())", True),
        (SCORE, True),
        ("deepinv.models.GSDRUNet(in_channels=1, out_channels=1, pretrained=None, "
         "nc=(8, 8, 8, 8), nb=1)", False),
    ],
    ids=["DnCNN", "NCSNpp", "EDMPrecond", "ScoreModelWrapper", "GSDRUNet"],
)  # fmt: skip
def test_denoisers_of_deepinv_are_taken(tmp_path, code, jacobian):
    code = f"import deepinv, torch\n\ndef denoiser(): return {code}"
    prior = load_foreign(foreign(tmp_path, code), "whole", (1, 24, 20), CPU, F32)
    x = torch.rand(2, 1, 24, 20)
    with torch.inference_mode():  # as methods without the Jacobian run
        d = prior.denoise(x, 0.1)
    assert torch.isfinite(d).all()
    assert not d.requires_grad
    if jacobian:
        x.requires_grad_()
        assert torch.autograd.grad(prior.denoise(x, 0.1).sum(), x)[0].abs().sum() > 0


@pytest.mark.parametrize(
    ("code", "shape", "message"),
    [
        (DRUNET, (3, 24, 20), "takes images of 1 channels, these have 3"),
        (UNET.replace("multiple=2", "multiple=32"), (1, 8, 8), "8 x 8 pixels are too few"),
        ("def denoiser(): return lambda x, s: x[:, :, :4]", (1, 24, 20), r"makes \[1, 4, 20\]"),
        ("def denoiser(): return lambda x, s: x / 0", (1, 24, 20), "NaN or infinite"),
        ("def denoiser(): return lambda x: x", (1, 24, 20), r"cannot denoise \[1, 24, 20\]"),
        ("\ndef denoiser(): return 1 / 0", (1, 24, 20), r"division by zero \(.*py, line 2\)"),
    ],
)
def test_networks_of_other_images_are_refused_in_a_line(tmp_path, code, shape, message):
    with pytest.raises(PluginError, match=f"networks.theirs: .*{message}") as error:
        load_foreign(foreign(tmp_path, code), "whole", shape, CPU, F32)
    assert "\n" not in str(error.value)


def test_without_diffusers_the_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(ValueError, match="pip install diffusers"):
        from_diffusers(tmp_path)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
def test_a_folder_of_diffusers_is_read(tmp_path, kind):
    diffusers = pytest.importorskip("diffusers")
    unet = diffusers.UNet2DModel(
        sample_size=16, in_channels=1, out_channels=1, block_out_channels=(8, 16),
        norm_num_groups=4, layers_per_block=1, down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
    ).eval()  # fmt: skip
    diffusers.DDPMPipeline(
        unet, diffusers.DDPMScheduler(prediction_type=kind, beta_schedule="squaredcos_cap_v2")
    ).save_pretrained(tmp_path)
    found = from_diffusers(tmp_path).eval()
    assert (found.multiple, len(found.levels)) == (2, 1000)
    x, t = 0.5 + 0.1 * torch.randn(1, 1, 16, 16), 250
    level = found.levels[t].float()
    z = (2 * x - 1) / (1 + level**2).sqrt()
    scheduler = diffusers.DDIMScheduler(
        prediction_type=kind, beta_schedule="squaredcos_cap_v2", clip_sample=False
    )
    scheduler.set_timesteps(1000)
    with torch.no_grad():
        clean = scheduler.step(unet(z, t).sample, t, z).pred_original_sample
        d = found(x, level[None] / 2)
    assert float((d - (clean + 1) / 2).abs().max()) < 1e-4


def test_a_unet_with_a_score_is_variance_exploding():
    config = SimpleNamespace(block_out_channels=(8, 8, 8))
    network = SimpleNamespace(config=config)
    found = from_unet(network, {"_class_name": "ScoreSdeVeScheduler"})
    assert str(found) == "score, variance exploding, the noise level, values from 0 to 1"
    assert found.multiple == 4


# ---- in a configuration -----------------------------------------------------------------------

ROWS = {
    "theirs": {"from": "whole_image_diffusion", "network": "theirs", "label": "Theirs"},
    "theirs_patches": {"from": "padis", "network": "tiles", "label": "Theirs, patches"},
}


def settings(tmp_path, code=DRUNET, **more):
    (tmp_path / "theirs.py").write_text(code)
    file = {"file": "theirs.py"}
    networks = {"theirs": {"foreign": file}, "tiles": {"foreign": {**file, "patch": 12}}}
    table = {"problems": ["ct20"], "rows": list(ROWS), "caption": "Networks of others."}
    written = {"preset": "smoke", "name": "test", "networks": networks, "rows": ROWS}
    written |= {"tables": {"theirs": table}, **more}
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(written))
    return tmp_path / "my.yaml"


def test_its_files_are_in_the_key_of_a_row_and_nothing_is_trained(tmp_path):
    def key(file):
        return Jobs(resolve(read(file))).reconstruct("ct20", "theirs")

    job = key(settings(tmp_path))
    assert job.precision == "float32"
    assert job.prior.foreign["file"] == str(tmp_path / "theirs.py")
    assert "methods/priors/foreign.py" in job.code
    assert "theirs.py" in job.code
    elsewhere, changed = tmp_path / "elsewhere", tmp_path / "changed"
    for folder in (elsewhere, changed):
        folder.mkdir()
    assert key(settings(elsewhere, DRUNET + "\n# a remark\n")).hash == job.hash
    assert key(settings(changed, DRUNET.replace("nb=1", "nb=2"))).hash != job.hash
    (tmp_path / "w.safetensors").write_bytes(b"1")
    with_weights = {"theirs": {"foreign": {"file": "theirs.py", "weights": "w.safetensors"}}}
    first = key(settings(tmp_path, networks=with_weights, rows={"theirs": ROWS["theirs"]},
                         tables={}))  # fmt: skip
    (tmp_path / "w.safetensors").write_bytes(b"22")
    second = key(settings(tmp_path, networks=with_weights, rows={"theirs": ROWS["theirs"]},
                          tables={}))  # fmt: skip
    assert first.hash != second.hash != job.hash


def test_a_row_of_the_project_has_the_key_that_it_had():
    """What is stored stays valid: the new field of a prior is in no key of a trained network."""
    job = Jobs(resolve({"preset": "smoke"})).reconstruct("ct20", "padis")
    assert set(job.keyed["prior"]) == {"networks", "assembly", "overlap"}


@pytest.mark.parametrize(
    ("foreign", "message"),
    [
        ({"file": "missing.py"}, "networks.theirs: there is no file or folder"),
        ({"file": "edm.pkl"}, "edm.pkl is a pickle, and reading it runs code.* safetensors"),
        ({"file": "theirs.py", "weights": "edm.pkl"}, "edm.pkl is a pickle"),
        ({"file": "theirs.pth"}, "theirs.pth is no Python file: write one"),
        ({"file": "."}, "has no config.json, as diffusers writes it"),
        ({"file": "theirs.py", "patches": 3}, "unknown key 'patches'; did you mean 'patch'"),
        ({"file": "theirs.py", "patch": 8}, "whole cannot use a network of patches"),
    ],
)
def test_files_that_cannot_be_read_are_refused(tmp_path, foreign, message):
    for name in ("edm.pkl", "theirs.pth"):
        (tmp_path / name).write_bytes(b"")
    file = settings(tmp_path, networks={"theirs": {"foreign": foreign}}, rows={
        "theirs": ROWS["theirs"]}, tables={})  # fmt: skip
    with pytest.raises(ConfigError, match=message) as error:
        resolve(read(file))
    assert "\n" not in str(error.value)


def test_a_recipe_beside_a_foreign_network_is_refused(tmp_path):
    file = settings(tmp_path, networks={"whole": {"foreign": {"file": "theirs.py"}}}, rows={},
                    tables={})  # fmt: skip
    with pytest.raises(ConfigError, match="not trained here; remove `network`"):
        resolve(read(file))


def test_a_row_in_python_is_a_reconstructor_of_deepinv(tmp_path):
    row = Row("theirs_patches", "ct20", config=settings(tmp_path), levels=2, updates=1)
    y = row.measure(torch.rand(2, 1, 32, 32))
    x_hat, model = row.reconstruct(y), row.as_deepinv()
    assert isinstance(model, deepinv.models.Reconstructor)
    for found in (model(y, row.problem.physics), model(y)):
        assert float((found - x_hat).abs().max()) <= 1e-6
    assert not torch.equal(model(y, seed=1), x_hat)


def test_another_physics_takes_the_place_of_that_of_the_row():
    """Twice the operator with twice the measurement is the same problem."""
    row = Row("admm_tv", "ct20", config="smoke", iterations=3)
    image = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    y, own = row.measure(image), row.problem.physics
    twice = LinearPhysics(A=lambda x: 2 * own.A(x), A_adjoint=lambda y: 2 * own.A_adjoint(y))
    twice.A_dagger = lambda y: own.A_dagger(y / 2)
    model = row.as_deepinv()
    assert float((model(2 * y, twice) - row.reconstruct(y)).abs().max()) < 1e-3
    assert model._of(twice).noise_level == row.problem.noise_level
    twice.noise_model = GaussianNoise(0.3)
    assert row.as_deepinv()._of(twice).noise_level == pytest.approx(0.15, rel=1e-3)
    with pytest.raises(ValueError, match="is not a LinearPhysics"):
        model(y, Physics())
    with pytest.raises(ValueError, match="the operator expects"):
        model(y, CT((1, 24, 20), CT.Params(views=6)).physics)


def test_rows_run_through_the_harness(tmp_path):
    file = settings(tmp_path)
    for name in ROWS:
        row = Row(name, "ct20", config=file, levels=2, updates=1)
        x_hat = row.reconstruct(row.measure(torch.rand(1, 1, 32, 32)))
        assert x_hat.shape == (1, 1, 32, 32)
        assert torch.isfinite(x_hat).all()


def test_the_example_of_the_documentation_is_a_configuration(tmp_path):
    section = (ROOT / "docs/configuration.md").read_text().split("## Networks of other people")[1]
    (tmp_path / "theirs.py").write_text(section.split("```python\n")[1].split("```")[0])
    (tmp_path / "my.yaml").write_text(section.split("```yaml\n")[1].split("```")[0])
    model = deepinv.models.DRUNet(1, 1, pretrained=None)
    torch.save(model.state_dict(), tmp_path / "drunet_gray.pth")
    file = tmp_path / "my.yaml"
    config = resolve(read(file))
    jobs = [Jobs(config).reconstruct("ct20", row) for row in config["tables"]["theirs"]["rows"]]
    kinds = [(job.prior.assembly, job.prior.foreign["patch"]) for job in jobs]
    assert kinds == [("whole", None), ("random_grid", 56), ("whole", None)]
    prior = load_foreign(jobs[0].prior.foreign, "whole", (1, 32, 32), CPU, F32)
    assert torch.equal(prior.network.model.m_head.weight, model.m_head.weight)


@pytest.mark.slow
def test_a_run_with_networks_of_others_trains_nothing(tmp_path):
    rows = {n: {**row, "params": {"levels": 2, "updates": 1}} for n, row in ROWS.items()}
    rows["broken"] = {**ROWS["theirs"], "network": "broken", "label": "Broken"}
    folder = copy_project(tmp_path / "project")
    written = yaml.safe_load(settings(folder, UNET, rows=rows).read_text())
    (folder / "broken.py").write_text("def denoiser(): return lambda x, sigma: x[:, :, 1:]")
    written["networks"]["broken"] = {"foreign": {"file": "broken.py"}}
    written["tables"]["theirs"]["rows"] += ["broken"]
    (folder / "my.yaml").write_text(yaml.safe_dump(written))
    records = folder / "results/test/reconstructions/ct20"
    wanted = [f"results/test/reconstructions/ct20/{name}.json" for name in rows]
    code, output = run(folder, "--", *wanted)
    assert code == 1, output[-3000:]  # as one row has failed
    assert "1 failed. To try again" in output
    assert not (folder / "results/networks").exists()
    card = json.loads((records / "theirs.json").read_text())
    assert card["status"] == "ok"
    assert card["network"]["training_images"].startswith("unknown")
    assert card["network"]["model"].endswith("UNet")
    assert card["network"]["converted"].startswith("epsilon, variance preserving, 1000 times")
    assert any(name.endswith("theirs.py") for name in card["made_with"]["inputs"])
    broken = json.loads((records / "broken.json").read_text())
    assert (broken["status"], broken["images"]) == ("failed", [])
    assert broken["reason"].startswith("networks.broken: it makes [1, 31, 32]")
    _, output = run(folder, "--", *wanted)
    assert "Nothing to be done" in output
