#!/usr/bin/env python3
"""Times PyTorch on the network of `gpuconv train`, in each of the ways that may be its fastest.

A training step is what one of ours is: a batch of byte images gathered on the device and normalised, forward, loss, backward, Adam.
Steps follow each other without waiting for the device, as in a training; CUDA events tell their time. An inference is a forward pass
on a batch that lies on the device, waited for each time, as `gpuconv bench` does it.

  pytorch.py [--device cuda|cpu] [--batches 64,512,4096] [--seconds 2] [--out FILE]
"""
import argparse
import json
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

STEPS_A_SAMPLE = 10
IMAGES = 60000


def network(device, channels_last):
    torch.manual_seed(1)
    net = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1568, 500), nn.ReLU(), nn.Linear(500, 500), nn.ReLU(), nn.Linear(500, 10)).to(device)
    return net.to(memory_format=torch.channels_last) if channels_last else net


def compiled(function, form):
    """In the compiled form PyTorch makes CUDA graphs itself; where all is captured, it must not."""
    if "compiled" not in form:
        return function
    return torch.compile(function, mode="reduce-overhead" if form == "compiled" else "default")


def capture(work):
    """One CUDA graph of all that is launched, after the warm-up on another stream that capturing asks for."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph


class Training:
    """Steps of training: plain, compiled (passes as CUDA graphs), captured whole as one CUDA graph, or compiled and captured."""

    def __init__(self, device, batch, form, channels_last):
        self.net = network(device, channels_last)
        self.pixels = torch.randint(0, 256, (IMAGES, 1, 28, 28), dtype=torch.uint8, device=device)
        self.labels = torch.randint(0, 10, (IMAGES,), device=device)
        self.order = torch.randperm(IMAGES, device=device)
        self.at, self.batch = 0, batch
        self.chosen = self.order[:batch].clone()
        on_gpu = device == "cuda"
        options = {"fused": True} if on_gpu else {"foreach": True}
        self.adam = torch.optim.Adam(self.net.parameters(), lr=1e-3, **options, capturable=on_gpu and "graph" in form)
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        self.passes = compiled(self.forward_loss, form)
        self.graph = capture(lambda: self.work(self.chosen)) if "graph" in form else None

    def forward_loss(self, chosen):
        x = self.pixels[chosen].to(dtype=torch.float32, memory_format=self.layout)
        x = (x * (1 / 255) - 0.1307) / 0.3081
        return F.cross_entropy(self.net(x), self.labels[chosen])

    def work(self, chosen):
        self.adam.zero_grad(set_to_none=True)
        self.passes(chosen).backward()
        self.adam.step()

    def run(self):
        if self.at + self.batch > IMAGES:
            self.at = 0
        chosen = self.order[self.at:self.at + self.batch]
        self.at += self.batch
        if self.graph is not None:
            self.chosen.copy_(chosen)
            self.graph.replay()
        else:
            self.work(chosen)


class Inference:
    """Forward passes to the log-probabilities."""

    def __init__(self, device, batch, form, channels_last):
        self.net = network(device, channels_last).eval()
        self.x = torch.randn(batch, 1, 28, 28, device=device)
        if channels_last:
            self.x = self.x.contiguous(memory_format=torch.channels_last)
        self.forward = compiled(self.scores, form)
        with torch.inference_mode():
            self.graph = capture(lambda: self.forward(self.x)) if "graph" in form else None

    def scores(self, x):
        return F.log_softmax(self.net(x), dim=1)

    def run(self):
        if self.graph is not None:
            self.graph.replay()
            return
        with torch.inference_mode():
            self.forward(self.x)


def wait(device):
    if device == "cuda":
        torch.cuda.synchronize()


def milliseconds(work, device, seconds, waits):
    """The median time of one run; without waits, of one among several that follow each other."""
    inner = 1 if waits else STEPS_A_SAMPLE
    for _ in range(3 if device == "cpu" else 20):
        work.run()
    wait(device)
    times, begin = [], time.perf_counter()
    while len(times) < 5 or time.perf_counter() - begin < seconds:
        if waits or device == "cpu":
            start = time.perf_counter()
            for _ in range(inner):
                work.run()
            wait(device)
            times.append(1e3 * (time.perf_counter() - start) / inner)
        else:
            first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            first.record()
            for _ in range(inner):
                work.run()
            last.record()
            last.synchronize()
            times.append(first.elapsed_time(last) / inner)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--batches", default="64,512,4096")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--out")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("PyTorch finds no GPU")
    torch.backends.cudnn.benchmark = True
    forms = ["eager", "compiled"] + (["graph", "compiled graph"] if options.device == "cuda" else [])
    results = []
    for batch in map(int, options.batches.split(",")):
        for work, waits in (Training, False), (Inference, True):
            for tf32 in (False, True) if options.device == "cuda" else (False,):
                torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
                for form in forms:
                    for channels_last in False, True:
                        row = {"work": work.__name__.lower(), "batch": batch, "form": form, "channels_last": channels_last, "tf32": tf32}
                        try:
                            if "compiled" in form:
                                torch._dynamo.reset()
                            row["milliseconds"] = milliseconds(work(options.device, batch, form, channels_last), options.device, options.seconds, waits)
                        except Exception as error:  # A form that cannot be had here is a row without a time.
                            row["error"] = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                        results.append(row)
                        print(json.dumps(row), file=sys.stderr, flush=True)
    name = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"
    text = json.dumps({"torch": torch.__version__, "cuda": torch.version.cuda, "device": name, "results": results}, indent=1)
    if options.out:
        with open(options.out, "w") as file:
            file.write(text + "\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
