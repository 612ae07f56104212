"""Networks on pictures in time and frequency: ResNet50, and a small network over time."""

from __future__ import annotations

import keras
import numpy as np
import torch
from parity.case import LABELS, Case, array, copy_by_name
from torch import nn

# of ImageNet's pixels, subtracted from blue, green and red
MEANS = (103.939, 116.779, 123.68)


def decibels(power: torch.Tensor) -> torch.Tensor:
    """From silence to 10 mV, linear below 1 microvolt."""
    return torch.log1p(power / 0.001**2) / np.log1p((10 / 0.001) ** 2)


def spectrogram(signal: torch.Tensor, width: int, rows: int, step: int) -> torch.Tensor:
    """``(batch, leads, rows, columns)``, the highest frequency first."""
    leads = signal.transpose(1, 2)
    window = torch.hann_window(width, dtype=signal.dtype)
    spectra = torch.stft(
        leads.flatten(0, 1),
        2 * (rows - 1),
        step,
        width,
        window,
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    columns = -(-leads.shape[-1] // step)
    power = (2 * spectra / window.sum()).abs().square()[..., :columns].flip(1)
    return decibels(power).unflatten(0, leads.shape[:2])


def scalogram(signal: torch.Tensor) -> torch.Tensor:
    """The same of Morlet wavelets from 0.4 to 0.01 cycles a sample, every 4 samples."""
    leads = signal.transpose(1, 2).flatten(0, 1)[:, None]
    rows = []
    for band in np.array_split(np.geomspace(0.4, 0.01, 64), 6):
        reach = int(np.ceil(4 * 6 / (2 * np.pi * band[-1])))
        time = np.arange(-reach, reach + 1)
        for frequency in band:
            window = np.exp(-0.5 * (2 * np.pi * frequency * time / 6) ** 2)
            wave = np.exp(2j * np.pi * frequency * time)
            mean = (window * wave).sum() / window.sum()
            wavelet = 2 * window * (wave - mean) / window.sum()
            filters = torch.from_numpy(np.stack([wavelet.real, wavelet.imag])).to(signal.dtype)
            parts = nn.functional.conv1d(leads, filters[:, None], stride=4, padding=reach)
            rows.append(parts.square().sum(dim=1))
    return decibels(torch.stack(rows, dim=1)).unflatten(0, (len(signal), -1))


class OverTime(nn.Module):
    """The spectra of all leads as channels of three convolutions."""

    def __init__(self) -> None:
        super().__init__()
        channels = 33 * 12
        for stage, filters, width in (("stem", 128, 8), ("stage1", 256, 5), ("stage2", 128, 3)):
            conv = nn.Conv1d(channels, filters, width, padding="same")
            setattr(self, f"{stage}_conv", conv)
            setattr(self, f"{stage}_norm", nn.BatchNorm1d(filters, eps=1e-3))
            channels = filters
        self.head = nn.Linear(128, len(LABELS))

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        x = spectrogram(signal, 64, 33, 8)
        x = x.transpose(1, 2).flatten(1, 2)  # leads of one frequency side by side
        for stage in ("stem", "stage1", "stage2"):
            x = getattr(self, f"{stage}_conv")(x)
            x = torch.relu(getattr(self, f"{stage}_norm")(x))
        return self.head(x.mean(dim=2))


class ResNet50(nn.Module):
    """As in keras.applications: biases, and a bottleneck's stride in its first convolution."""

    def __init__(self, *, wavelets: bool) -> None:
        super().__init__()
        self.wavelets = wavelets
        self.layers = nn.ModuleDict({"stem_leads": nn.Conv2d(12, 3, 1)})
        self.add("conv1", 3, 64, 7, stride=2, padding=3)
        self.blocks: list[str] = []
        channels = 64
        for stage, (count, filters) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512)), start=2):
            for index in range(1, count + 1):
                name, stride = f"conv{stage}_block{index}", 2 if stage > 2 and index == 1 else 1
                if index == 1:
                    self.add(f"{name}_0", channels, 4 * filters, 1, stride=stride)
                self.add(f"{name}_1", channels, filters, 1, stride=stride)
                self.add(f"{name}_2", filters, filters, 3, padding=1)
                self.add(f"{name}_3", filters, 4 * filters, 1)
                self.blocks.append(name)
                channels = 4 * filters
        self.layers["head"] = nn.Linear(channels, len(LABELS))

    def add(self, name: str, channels: int, filters: int, width: int, **settings: int) -> None:
        self.layers[f"{name}_conv"] = nn.Conv2d(channels, filters, width, **settings)
        self.layers[f"{name}_bn"] = nn.BatchNorm2d(filters, eps=1.001e-5)

    def convolve(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return self.layers[f"{name}_bn"](self.layers[f"{name}_conv"](x))

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        image = scalogram(signal) if self.wavelets else spectrogram(signal, 64, 65, 4)
        x = self.layers["stem_leads"](image)
        x = 255 * x - torch.tensor(MEANS, dtype=x.dtype)[:, None, None]
        x = nn.functional.max_pool2d(torch.relu(self.convolve("conv1", x)), 3, 2, padding=1)
        for name in self.blocks:
            y = torch.relu(self.convolve(f"{name}_1", x))
            y = torch.relu(self.convolve(f"{name}_2", y))
            shortcut = self.convolve(f"{name}_0", x) if f"{name}_0_conv" in self.layers else x
            x = torch.relu(self.convolve(f"{name}_3", y) + shortcut)
        return self.layers["head"](x.mean(dim=(2, 3)))


def copy(theirs: nn.Module, ours: keras.Model) -> None:
    for layer in ours.layers:
        if layer.weights:
            layer.set_weights(weights_of(theirs.layers[layer.name]))


def weights_of(module: nn.Module) -> list[np.ndarray]:
    if isinstance(module, nn.BatchNorm2d):
        parts = (module.weight, module.bias, module.running_mean, module.running_var)
        return [array(part) for part in parts]
    # (out, in, height, width) to (height, width, in, out)
    axes = (1, 0) if module.weight.ndim == 2 else (2, 3, 1, 0)
    return [array(module.weight).transpose(axes), array(module.bias)]


CASES = (
    Case("fourier_cnn", OverTime, copy_by_name),
    Case("cwt_resnet50", lambda: ResNet50(wavelets=True), copy),
    Case("stft_resnet50", lambda: ResNet50(wavelets=False), copy),
)
