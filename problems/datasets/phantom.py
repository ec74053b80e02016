"""Procedural axial chest CT with an individual anatomy per patient; needs no download.

A patient is a random draw of sizes, positions, a vessel tree, a texture and a smooth warp, all in
three dimensions; a slice cuts them at one height. Coordinates: x from the patient's right, y from
the front, both -1 to 1 over the image; z from the feet in the same unit (about 190 mm), 1.3 at the
lung tips. For tests and speed measurements; do not report it next to results on real data.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from pydantic import PositiveInt
from scipy.ndimage import gaussian_filter, zoom

from problems.datasets.base import Dataset, UnreadImage
from problems.seeds import seed_of

AIR, FAT, MUSCLE, CORTICAL, SPONGY = -1000, -100, 50, 800, 220  # HU
# Points (x, y, z) on the axes of tubes in a mean patient; the left side of the body has x > 0.
AORTA = [(0.04, -0.1, 0.6), (-0.05, -0.15, 0.8), (0.0, -0.05, 0.96), (0.11, 0.11, 0.95)]
AORTA += [(0.15, 0.22, 0.8), (0.12, 0.22, 0.3), (0.08, 0.2, -0.2)]
ARTERY = [(0.25, 0.05, 0.72), (0.09, -0.12, 0.74), (0.1, -0.2, 0.55), (0.09, -0.1, 0.72)]
ARTERY += [(-0.05, -0.02, 0.69), (-0.23, 0.04, 0.66)]  # from the left hilum to the right one
CAVA = [(-0.12, -0.1, 0.5), (-0.14, -0.14, 1.0), (-0.17, -0.12, 1.4)]
AIRWAY = [(0.0, 0.08, 0.86), (0.0, 0.02, 1.5), (0.25, 0.08, 0.68), (-0.24, 0.08, 0.66)]  # a fork
LOBES = [(0.4, -1, 0.6), (0.4, 0.6, 0.8), (1, -0.5, 0), (0.5, 0.9, 0), (1, 0.2, -0.6)]
LOBES += [(0.3, 0, 1), (0.6, 0.8, -0.9), (0.4, -0.9, -0.4)]  # directions of the left lung lobes
CHAMBERS = [(0.45, 0.2, -0.1), (0.05, -0.5, 0.0), (0.0, 0.5, 0.3), (-0.6, 0.0, 0.1)]  # of the heart


class Phantom(Dataset):
    label = "chest phantom"
    reference = "procedural, this repository"
    licence = "none needed: the images are computed"

    @dataclass(frozen=True)
    class Params:
        train_patients: PositiveInt = 9
        validation_patients: PositiveInt = 1
        test_patients: PositiveInt = 1
        slices: PositiveInt = 16  # per patient, evenly spaced from the liver to the lung tips
        resolution: PositiveInt = 128  # side of the square image in pixels
        window: tuple[float, float] = (-1000.0, 1200.0)  # HU mapped to 0 and 1
        fold: PositiveInt = 1  # folds have different test patients

    def images(self, split):
        count = getattr(self.params, f"{split}_patients")
        first = count * (self.params.fold - 1) if split == "test" else 0
        for number in range(first, first + count):
            patient = f"{split}{number}"
            anatomy = Anatomy(patient)
            for k, z in enumerate(np.linspace(0.08, 1.2, self.params.slices)):
                read = partial(self._slice, anatomy, z, seed_of("phantom", patient, k))
                yield UnreadImage(f"{patient}_{k:03d}", patient, read)

    def _slice(self, anatomy: "Anatomy", z: float, seed: int) -> np.ndarray:
        low, high = self.params.window
        hu = anatomy.slice(z, self.params.resolution, seed)
        return np.clip((hu - low) / (high - low), 0, 1).astype(np.float32)


class Anatomy:
    """Anatomy of one patient, drawn with a seed from the patient's name."""

    def __init__(self, patient: str):
        rng = np.random.default_rng(seed_of("phantom", patient))
        self.size = rng.uniform((0.7, 0.55), (0.78, 0.61))  # semi-axes of the chest below the fat
        self.exponent = rng.uniform(2.1, 2.7)  # of the superellipses of the chest
        self.fat, self.breast, self.lung = rng.uniform((0.04, 0, -880), (0.12, 0.15, -810))
        self.rib_phase, self.rib_drop = rng.uniform((0, 0.55), (1, 0.7))
        self.domes = rng.uniform((0.36, 0.24), (0.48, 0.36))  # top of the diaphragm, right and left
        self.blood = rng.choice([40, rng.uniform(150, 350)])  # without or with contrast agent
        self.heart = rng.normal((0.1, -0.16, 0.44), 0.02)
        self.heart_size = rng.uniform(0.85, 1.1) * np.array([0.31, 0.25, 0.28])
        self.stomach = rng.normal((0.38, -0.1, 0.05), 0.04)
        self.warp = rng.normal(0, 0.018, (2, 6)), rng.uniform(-5, 5, (3, 6)), rng.uniform(-3, 3, 6)
        self.texture = 6.7 * gaussian_filter(rng.standard_normal((24, 96, 96)), 1)  # variance 1
        great = ((0.075, AORTA), (0.06, ARTERY), (0.045, CAVA))
        self.vessels = np.vstack([self._tubes(r, p[:-1], p[1:]) for r, p in great])
        self.airway = self._tubes(0.04, 3 * AIRWAY[:1], AIRWAY[1:])
        self.branches = np.vstack((self._grow(rng, ARTERY[0], 1), self._grow(rng, ARTERY[-1], -1)))

    def slice(self, z: float, resolution: PositiveInt, seed: int) -> np.ndarray:
        """Return the slice at height ``z`` in HU; ``seed`` determines the acquisition noise."""
        image = Canvas((np.arange(resolution) + 0.5) * 2 / resolution - 1, z)
        table = 0.015 - abs(np.hypot(image.x, image.y + 1.18) - 2)
        image.paint(np.minimum(table, 0.85 - abs(image.x)), 100)
        image.x, image.y = np.add((image.x, image.y), self._shift(image.x, image.y, z))
        texture = zoom(self.texture[round(14 * z)], resolution / 96, order=1)
        angle = np.arctan2(abs(image.x), image.y)  # 0 at the spine, pi at the sternum
        cavity = self._chest_wall(image, angle, texture)
        lung = self._lungs(image, cavity, texture)
        self._abdomen(image, cavity, texture)
        self._heart_and_vessels(image)
        self._bones(image, angle, cavity)
        noise = np.random.default_rng(seed).standard_normal(image.hu.shape)
        return gaussian_filter(image.hu, 0.5) + gaussian_filter(noise, 0.6) * (25 + 20 * lung)

    def _chest_wall(self, image, angle, texture):
        """Paint skin, fat and muscle; return the depth in the chest cavity."""
        taper = np.interp(image.z, (0.5, 1.4), (0, 1))  # towards the shoulders
        half = self.size * (1 + 0.1 * taper, 1 - 0.08 * taper)
        muscle = superellipse(image.x, image.y, *half, self.exponent)
        breast = np.exp(-(((angle - 2.45) / 0.4) ** 2) - ((image.z - 0.55) / 0.3) ** 2)
        fat = self.fat * (1 + 0.4 * np.cos(2 * angle) - 1.2 * np.exp(-((angle / 0.15) ** 2)))
        body = muscle + np.maximum(fat + self.breast * breast, 0.02)
        image.paint(body, 0)
        image.paint(body - 0.018, FAT + 8 * texture)
        image.paint(muscle, MUSCLE - 90 * np.clip(texture - 0.9, 0, 1.5))
        half = self.size * (1 - 0.32 * taper) - (0.09, 0.08)
        return superellipse(image.x, image.y + 0.03, *half, self.exponent)

    def _lungs(self, image, cavity, texture):
        """Paint the mediastinum and the lungs with their vessels; return the lung coverage."""
        image.paint(cavity, -40 + 40 * np.clip(texture, -1, 1.5))
        gap = abs(image.x) - 0.03 - 0.13 * np.exp(-(((image.y - 0.1) / 0.24) ** 2))
        lung = image.paint(np.minimum(cavity - 0.012, gap), self.lung + 70 * image.y + 18 * texture)
        image.paint(image.tubes(self.branches), MUSCLE, lung)
        return lung

    def _abdomen(self, image, cavity, texture):
        """Paint the organs below the diaphragm: spleen, stomach with gas, liver."""
        solid = 0.3 * self.blood + 45 + 4 * texture
        right = image.ellipsoid((-0.3, -0.05, self.domes[0] - 0.6), (0.6, 0.55, 0.6))
        left = image.ellipsoid((0.36, 0.0, self.domes[1] - 0.6), (0.6, 0.55, 0.6))
        lower = image.paint(np.minimum(left, cavity - 0.012), FAT + 30 * texture)
        image.paint(image.ellipsoid((0.47, 0.2, 0.08), (0.14, 0.2, 0.2), -0.4), solid, lower)
        stomach = image.ellipsoid(self.stomach, (0.19, 0.22, 0.2))
        image.paint(stomach, MUSCLE, lower)
        image.paint(np.minimum(stomach - 0.02, self.stomach[1] - image.y), AIR, lower)
        image.paint(np.minimum(right, cavity - 0.012), solid)

    def _heart_and_vessels(self, image):
        """Paint the heart and its chambers, the large vessels and the airway."""
        heart = image.ellipsoid(self.heart, self.heart_size, 0.4)
        image.paint(heart + 0.02, FAT)
        image.paint(heart, MUSCLE + 0.2 * self.blood)
        for center in self.heart + CHAMBERS * self.heart_size:
            image.paint(image.ellipsoid(center, 0.4 * self.heart_size, 0.4), self.blood)
        image.paint(image.tubes(self.vessels), self.blood + 10)
        for wall, hu in ((0.014, MUSCLE), (0, AIR)):
            image.paint(image.tubes(self.airway) + wall, hu)

    def _bones(self, image, angle, cavity):
        """Paint ribs that turn into cartilage, sternum, shoulder blades, vertebrae and discs."""
        z, spine, canal = image.z, self.size[1] - 0.27, self.size[1] - 0.15
        level = (z + self.rib_drop * angle / np.pi) / 0.17 + self.rib_phase  # lower at the front
        along = (level - np.round(level)) * 0.17 / 0.032
        rib = (1 - np.hypot(along, (cavity + 0.022) / 0.022)) * 0.022
        for inset, hu in ((0, CORTICAL), (0.011, SPONGY)):
            hu = np.interp(angle, (2.4, 2.7), (hu, 110))
            image.paint(np.minimum(rib - inset, abs(image.x) - 0.08), hu)
        front = 0.03 - self.size[1] * np.interp(z, (0.5, 1.4), (1, 0.7))
        image.bone(image.ellipsoid((0, front, max(z, 0.3)), (0.1, 0.032, 0.05), exponent=4))
        disc = np.interp(abs((z / 0.17 + self.rib_phase) % 1 - 0.5), (0.36, 0.44), (0, 1))
        image.bone(image.ellipsoid((0, canal + 0.06, z), (0.022, 0.06, 1)))
        for side in (-1, 1):
            blade = (side * (self.size[0] - np.interp(z, (0.5, 1.4), (0.06, 0.14))), 0.22, 1.15)
            image.paint(image.ellipsoid(blade, (0.017, 0.17, 0.5), side * 0.6), 500)
            image.bone(image.ellipsoid((side * 0.1, canal, z), (0.09, 0.026, 1), side * 0.35))
        image.bone(image.ellipsoid((0, canal, z), (0.07, 0.06, 1)))
        body = image.ellipsoid((0, spine, z), (0.115, 0.095, 1), exponent=2.5)
        image.paint(body, CORTICAL - 500 * disc)
        image.paint(body - 0.014, SPONGY - 120 * disc)
        image.paint(image.ellipsoid((0, canal, z), (0.045, 0.037, 1)), 20)

    def _shift(self, x, y, z):
        """Displacement (2, ...) of the smooth warp in x and y: a sum of waves."""
        amplitudes, frequencies, phases = self.warp
        outer = [np.multiply.outer(v, f) for v, f in zip((x, y, z), frequencies, strict=True)]
        return np.einsum("...k,ik->i...", np.sin(sum(outer) + phases), amplitudes)

    def _tubes(self, radius, starts, ends):
        """Tubes (start, end, radius), shape (n, 7), moved by the inverse of the warp."""
        points = np.array([starts, ends]).transpose(2, 0, 1)
        points[:2] -= self._shift(*points)
        return np.vstack((points[:, 0], points[:, 1], np.full(len(starts), radius))).T

    def _grow(self, rng, hilum, side):
        """Tubes of a vessel tree; each branch splits into two thinner ones."""
        starts, directions = np.tile(hilum, (len(LOBES), 1)), np.multiply(LOBES, (side, 1, 1))
        tubes, radius = [], 0.03
        for _ in range(8):
            directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
            ends = starts + directions * rng.uniform(0.9, 2.25, (len(starts), 1)) * radius**0.7
            tubes.append(self._tubes(radius, starts, ends))
            turn = 0.35 * np.cross(directions, rng.standard_normal(directions.shape))
            directions = np.vstack((directions + turn, directions - turn))
            starts, radius = np.vstack((ends, ends)), 0.8 * radius
        return np.vstack(tubes)


class Canvas:
    """A slice in HU; a shape is a map of depths: distances to its boundary, positive inside."""

    def __init__(self, axis: np.ndarray, z: float):
        self.axis, self.z, self.pixel = axis, z, axis[1] - axis[0]
        self.y, self.x = np.meshgrid(axis, axis, indexing="ij")
        self.hu = np.full(self.x.shape, float(AIR))

    def paint(self, depth, hu, inside=1.0):
        """Blend in ``hu`` where ``depth`` is positive; return the coverage of each pixel."""
        cover = np.clip(depth / self.pixel + 0.5, 0, 1) * inside
        self.hu += cover * (hu - self.hu)
        return cover

    def bone(self, depth):
        self.paint(depth, CORTICAL)
        self.paint(depth - 0.014, SPONGY)

    def ellipsoid(self, center, half, turn=0.0, exponent=2.0):
        x, y, c, s = self.x - center[0], self.y - center[1], np.cos(turn), np.sin(turn)
        rest = 1 - ((self.z - center[2]) / half[2]) ** 2  # negative if the slice misses it
        a, b = max(rest, 1e-6) ** 0.5 * np.array(half[:2])
        return superellipse(c * x + s * y, c * y - s * x, a, b, exponent) + min(rest, 0)

    def tubes(self, table):
        """Depth of the union of tubes (start, end, radius) with rounded ends."""
        depth = np.full(self.hu.shape, -1.0)
        ends, reach = table[:, :6].reshape(-1, 2, 3), table[:, 6:] + self.pixel
        low, high = ends.min(axis=1) - reach, ends.max(axis=1) + reach
        cut = (low[:, 2] < self.z) & (self.z < high[:, 2])
        boxes = np.searchsorted(self.axis, np.hstack((low, high))[cut])
        for (left, top, _, right, bottom, _), tube in zip(boxes, table[cut], strict=True):
            box = slice(top, bottom), slice(left, right)
            x, y = self.axis[box[1]] - tube[0], self.axis[box[0], None] - tube[1]
            z, (dx, dy, dz) = self.z - tube[2], tube[3:6] - tube[:3]
            t = np.clip((x * dx + y * dy + z * dz) / (dx**2 + dy**2 + dz**2), 0, 1)
            distance = np.sqrt((x - t * dx) ** 2 + (y - t * dy) ** 2 + (z - t * dz) ** 2)
            depth[box] = np.maximum(depth[box], tube[6] - distance)
        return depth


def superellipse(x, y, a, b, exponent):
    """Distance to the boundary along the ray from the center, positive inside."""
    relative = (abs(x / a) ** exponent + abs(y / b) ** exponent) ** (1 / exponent) + 1e-9
    return np.hypot(x, y) * (1 / relative - 1)
