using GpuConv.Studies;

return Invocation.Run(GpuConvCommand.Create(), args);
