using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

/// <summary>What the program says of drivers that are missing, damaged, without a device, or with one that cannot be used.</summary>
public class DriverMessageTests
{
    [Fact]
    public void A_file_that_is_no_library_is_as_good_as_none()
    {
        using FakeDrivers drivers = new FakeDrivers().Damaged("libcuda.so").Damaged("libOpenCL.so");
        Expect(drivers, "cuda", "no NVIDIA driver: libcuda.so.1 is not on this machine or cannot be loaded");
        Expect(drivers, "opencl", "no OpenCL loader: libOpenCL.so.1 is not on this machine or cannot be loaded (Debian, Ubuntu: ocl-icd-libopencl1)");
    }

    [Theory]
    [InlineData(100, 0, "NVIDIA's driver is here but finds no GPU (libcuda.so.1: CUDA_ERROR_NO_DEVICE)")]
    [InlineData(0, 0, "NVIDIA's driver is here but finds no GPU (libcuda.so.1: CUDA_ERROR_NO_DEVICE)")]
    [InlineData(34, 0, "libcuda.so.1 is the CUDA toolkit's stub, not a driver: take its folder out of the library path")]
    [InlineData(803, 0, "libcuda.so.1 and the kernel's NVIDIA module are of different versions, as after an update: restart the machine")]
    [InlineData(999, 0, "NVIDIA's driver does not start (libcuda.so.1: CUDA_ERROR_FAKE): nvidia-smi may say more")]
    [InlineData(801, 0, "NVIDIA's driver does not start (libcuda.so.1: error 801): nvidia-smi may say more")]
    [InlineData(0, 1, "the driver lists 1 GPU, of which ILGPU can read 0: those older than compute capability 3.0 are not supported")]
    public void A_cuda_driver_without_a_usable_gpu_gets_its_reason(int error, int devices, string reason)
    {
        using FakeDrivers drivers = new FakeDrivers().Cuda(error, devices);
        Expect(drivers, "cuda", reason);
    }

    [Theory]
    [InlineData(-1001, 0, "the OpenCL loader (libOpenCL.so.1) is here but no driver: install the one for your GPU, which enters itself in /etc/OpenCL/vendors")]
    [InlineData(0, 0, "the OpenCL loader (libOpenCL.so.1) is here but no driver: install the one for your GPU, which enters itself in /etc/OpenCL/vendors")]
    [InlineData(-6, 0, "the OpenCL loader (libOpenCL.so.1) does not start: clGetPlatformIDs fails with error -6")]
    [InlineData(0, 1, "Fake Platform: its driver finds no device")]
    public void An_opencl_loader_without_a_device_gets_its_reason(int error, int platforms, string reason)
    {
        using FakeDrivers drivers = new FakeDrivers().OpenCL(error, platforms);
        Expect(drivers, "opencl", reason);
    }

    [Fact]
    public void An_opencl_device_that_cannot_be_used_is_named_with_its_reason()
    {
        using FakeDrivers drivers = new FakeDrivers().OpenCL(0, 1, new FakeDevice("Plain GPU", Generic: false));
        Expect(drivers, "opencl", "Plain GPU: no generic address space, which ILGPU needs (Fake Platform, OpenCL 3.0): try a newer driver");
    }

    [Fact]
    public void The_search_goes_on_behind_devices_that_cannot_be_used()
    {
        using FakeDrivers drivers = new FakeDrivers().OpenCL(0, 1, new FakeDevice("Old GPU", "1.2"), new FakeDevice("Broken GPU", Broken: true), new FakeDevice("A processor", Gpu: false), new FakeDevice("Good GPU"));
        Output devices = drivers.Run("devices");
        Assert.Matches(@"opencl +A processor .* 8\s*\n", devices.Standard);
        Assert.Matches(@"opencl:1 +Good GPU .*taken by auto", devices.Standard);
        Assert.Contains("opencl: not usable: Old GPU: no generic address space", devices.Standard);
        Assert.Contains("opencl: not usable: Broken GPU: its driver does not describe it: ", devices.Standard);
    }

    [Theory]
    [InlineData("opencl", "gpuconv: OpenCL device 0, Good GPU, cannot be used: ")]
    [InlineData("opencl:3", "gpuconv: There is no OpenCL device 3: there is 1, numbered from 0. 'devices' lists what is here.")]
    public void A_device_that_fails_as_it_is_opened_is_named(string device, string message)
    {
        using FakeDrivers drivers = new FakeDrivers().OpenCL(0, 1, new FakeDevice("Good GPU"));
        using var folder = new TemporaryFolder();
        ExpectRefusal(drivers.Run("train", "--device", device, "--out", folder["run"]), message);
    }

    // The line of `devices`, and the same reason as the error of a command that asks for the device.
    private static void Expect(FakeDrivers drivers, string device, string reason)
    {
        Output devices = drivers.Run("devices");
        Assert.Equal((0, ""), (devices.ExitCode, devices.Error));
        Assert.Contains($"{device}: not usable: {reason}", devices.Standard.Split('\n'));
        Assert.Matches(@"cpu .*taken by auto", devices.Standard);

        using var folder = new TemporaryFolder();
        ExpectRefusal(drivers.Run("train", "--device", device, "--out", folder["run"]), $"gpuconv: {(device == "cuda" ? "CUDA" : "OpenCL")} cannot be used: {reason}.");
    }

    private static void ExpectRefusal(Output output, string message)
    {
        Assert.StartsWith(message, output.Error);
        Assert.Single(output.Error.TrimEnd().Split('\n'));
        Assert.Equal((2, ""), (output.ExitCode, output.Standard));
    }
}
