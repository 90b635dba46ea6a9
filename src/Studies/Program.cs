Console.WriteLine("gpuconv");
