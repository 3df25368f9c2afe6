import pytest
import torch
from vector_quantize_pytorch import ResidualVQ

from progic.rvq import ResidualVectorQuantizer, _least


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.fixture
def quantizer() -> ResidualVectorQuantizer:
    rvq = ResidualVectorQuantizer(n_stages=4, n_codes=16, code_dim=6)
    rvq.codebooks.normal_(generator=_generator())
    return rvq


def test_same_indices_as_a_second_implementation(quantizer: ResidualVectorQuantizer) -> None:
    other = ResidualVQ(dim=6, codebook_size=16, num_quantizers=4).eval()
    for layer, codebook in zip(other.layers, quantizer.codebooks, strict=True):
        layer._codebook.embed.copy_(codebook[None])
    latents = torch.randn(2, 6, 5, 7, generator=_generator())
    rows = latents.flatten(2).transpose(1, 2)  # (b, cells, d)
    codes, indices, _ = other(rows)
    ours = quantizer(latents)
    assert torch.equal(ours.indices.flatten(2), indices.permute(2, 0, 1))
    torch.testing.assert_close(ours.parts.sum(0).flatten(2), codes.transpose(1, 2), atol=1e-5, rtol=0)


def test_codes_used_are_the_mean_over_stages() -> None:
    rvq = ResidualVectorQuantizer(n_stages=2, n_codes=4, code_dim=1)
    rvq.codebooks[0] = torch.tensor([[0.0], [10.0], [20.0], [30.0]])
    assert rvq(torch.tensor([0.0, 10.0, 20.0]).view(1, 1, 1, 3)).codes_used == (3 + 1) / 2


def test_search_with_one_path_is_greedy(quantizer: ResidualVectorQuantizer) -> None:
    latents = torch.randn(2, 6, 5, 7, generator=_generator())
    assert torch.equal(quantizer.search(latents, paths=1), quantizer(latents).indices)


def test_search_with_all_paths_finds_the_least_summed_error(quantizer: ResidualVectorQuantizer) -> None:
    rows = torch.randn(10, 6, generator=_generator())
    found = quantizer.search(rows.T[None, :, :, None], paths=16**3)[:, 0, :, 0].T
    every = torch.cartesian_prod(*[torch.arange(16)] * 4)  # (16^4, 4)
    shown = torch.stack([quantizer.codebooks[stage, every[:, stage]] for stage in range(4)]).cumsum(0)
    for row, path in zip(rows, found, strict=True):
        summed = (row - shown).square().sum((0, 2))  # squared error after 1, 2, ... stages, added up
        assert torch.equal(path, every[summed.argmin()])


def test_search_with_more_paths_leaves_less() -> None:
    rvq = ResidualVectorQuantizer(n_stages=4, n_codes=64, code_dim=6)
    rows = torch.randn(2000, 6, generator=_generator())
    rvq.start(rows, _generator())
    latents = rows.T.reshape(1, 6, 40, 50)

    def left(paths: int) -> float:
        found = rvq.search(latents, paths)
        shown = torch.stack([rvq.decode({stage: found[stage]}) for stage in range(4)]).cumsum(0)
        return float((latents - shown).square().mean())

    assert left(8) < left(2) < left(1)


def test_what_has_begun_stays_and_the_rest_is_as_of_the_stages_left_alone() -> None:
    rvq = ResidualVectorQuantizer(n_stages=4, n_codes=64, code_dim=6)
    rows = torch.randn(2000, 6, generator=_generator())
    rvq.start(rows, _generator())
    latents = rows.T.reshape(1, 6, 40, 50)
    for begun in range(5):
        codes = torch.randint(64, (begun, 1, 40, 50), generator=_generator())
        found = rvq.search(latents, 8, codes)
        assert found.shape == (4, 1, 40, 50) and torch.equal(found[:begun], codes)
        rest = ResidualVectorQuantizer(4 - begun, 64, 6)
        rest.codebooks = rvq.codebooks[begun:]
        left = latents - sum(rvq.look_up(stage, codes[stage]) for stage in range(begun))
        if begun < 4:
            assert torch.equal(found[begun:], rest.search(left, 8))


def test_least_costs_are_those_of_a_full_sort() -> None:
    costs = torch.randn(50, 8 * 40, generator=_generator())
    values, places = _least(costs, 7)
    assert torch.equal(values, costs.sort(1).values[:, :7])
    assert torch.equal(costs.gather(1, places), values)


def test_decode_sums_the_stages_held(quantizer: ResidualVectorQuantizer) -> None:
    quantized = quantizer(torch.randn(1, 6, 2, 2, generator=_generator()))
    held = {stage: quantized.indices[stage] for stage in (3, 1)}
    assert torch.equal(quantizer.decode(held), quantized.parts[1] + quantized.parts[3])


def test_stages_are_summed_in_their_order_however_they_arrived() -> None:
    """In floats 1e9 + 1 - 1e9 is 0, and 1e9 - 1e9 + 1 is 1."""
    quantizer = ResidualVectorQuantizer(n_stages=3, n_codes=1, code_dim=1)
    quantizer.codebooks.copy_(torch.tensor([1e9, 1.0, -1e9]).view(3, 1, 1))
    code = torch.zeros(1, 1, 1, dtype=torch.long)
    for order in ((0, 1, 2), (2, 0, 1)):
        assert quantizer.decode(dict.fromkeys(order, code)).item() == 0


def test_kmeans_finds_clusters_and_leaves_their_residual_to_the_next_stage() -> None:
    rvq = ResidualVectorQuantizer(n_stages=2, n_codes=2, code_dim=3)
    centres = torch.tensor([[10.0, 0, 3], [-10, 1, 0]])
    offsets = torch.tensor([[0.5, 0, 0], [-0.5, 0, 0]])
    rows = (centres[:, None] + offsets).reshape(-1, 3).repeat(50, 1)
    rvq.start(rows, _generator(), rounds=30)
    error = (rows - rvq(rows.T[None, :, :, None]).parts.sum(0)[0, :, :, 0].T).square().mean()
    assert error < 1e-6


def test_codebook_follows_the_mean_of_its_vectors() -> None:
    rvq = ResidualVectorQuantizer(n_stages=1, n_codes=2, code_dim=1)
    rvq.start(torch.tensor([[0.0], [10.0]]).repeat(20, 1), _generator())
    latents = torch.tensor([1.0, 1.0, 11.0, 11.0]).view(1, 1, 2, 2)
    for _ in range(400):
        rvq.follow(rvq(latents), decay=0.9, revive_below=0.1, generator=_generator())
    assert rvq.codebooks.flatten().sort().values.tolist() == pytest.approx([1.0, 11.0])


def test_idle_codes_are_moved_onto_vectors_of_the_batch() -> None:
    rvq = ResidualVectorQuantizer(n_stages=1, n_codes=4, code_dim=1)
    rvq.codebooks.copy_(torch.tensor([0.0, 1.0, 500.0, 600.0]).view(1, 4, 1))
    rvq.sums.copy_(rvq.codebooks)
    latents = torch.linspace(0, 1, 16).view(1, 1, 4, 4)
    for _ in range(50):
        rvq.follow(rvq(latents), decay=0.8, revive_below=0.1, generator=_generator())
    assert rvq.codebooks.max() <= 1.0
    assert len(rvq(latents).indices.unique()) == 4


def test_twins_that_kmeans_leaves_are_revived_at_once() -> None:
    quantizer = ResidualVectorQuantizer(2, 4, 1)
    rows = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    quantizer.start(rows, _generator())  # the second stage has nothing left: four codes at 0
    assert (quantizer.counts[1] == 0).sum() == 3
    quantizer.follow(quantizer(rows.view(1, 1, 2, 2) + 0.2), 0.998, 0.1, _generator())
    assert (quantizer.codebooks[1] > 0.15).sum() == 3


def test_a_revived_code_stays_where_it_was_put_until_it_is_used() -> None:
    quantizer = ResidualVectorQuantizer(1, 2, 1)
    quantizer.codebooks.copy_(torch.tensor([[[0.0], [50.0]]]))
    quantizer.forget()
    quantizer.counts[0, 1] = 0.0
    quantizer.follow(quantizer(torch.full((1, 1, 2, 2), 3.0)), 1.0, 0.1, _generator())
    quantizer.follow(quantizer(torch.zeros(1, 1, 2, 2)), 0.9, 0.1, _generator())
    assert float(quantizer.codebooks[0, 1]) == pytest.approx(3)


def test_a_code_that_nothing_uses_stays() -> None:
    quantizer = ResidualVectorQuantizer(1, 2, 1)
    quantizer.codebooks.copy_(torch.tensor([[[0.0], [50.0]]]))
    quantizer.forget()
    for _ in range(1200):  # its count falls below the least that a float divides by
        quantizer.follow(quantizer(torch.zeros(1, 1, 4, 4)), 0.98, 0.0, _generator())
    assert float(quantizer.codebooks[0, 1]) == pytest.approx(50, rel=0.01)
