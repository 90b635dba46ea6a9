namespace GpuConv.Kernels;

/// <summary>The size of a register tile, as constants that the JIT folds: one source serves every size.</summary>
internal interface ITileSize
{
    /// <summary>Rows of the result, at most <see cref="MicroKernel.MaxRows"/>.</summary>
    static abstract int Rows { get; }

    /// <summary>Vectors of each row, at most <see cref="MicroKernel.MaxVectors"/>.</summary>
    static abstract int Vectors { get; }
}

internal readonly struct Tile1x1 : ITileSize { public static int Rows => 1; public static int Vectors => 1; }

internal readonly struct Tile2x1 : ITileSize { public static int Rows => 2; public static int Vectors => 1; }

internal readonly struct Tile3x1 : ITileSize { public static int Rows => 3; public static int Vectors => 1; }

internal readonly struct Tile4x1 : ITileSize { public static int Rows => 4; public static int Vectors => 1; }

internal readonly struct Tile5x1 : ITileSize { public static int Rows => 5; public static int Vectors => 1; }

internal readonly struct Tile6x1 : ITileSize { public static int Rows => 6; public static int Vectors => 1; }

internal readonly struct Tile1x2 : ITileSize { public static int Rows => 1; public static int Vectors => 2; }

internal readonly struct Tile2x2 : ITileSize { public static int Rows => 2; public static int Vectors => 2; }

internal readonly struct Tile3x2 : ITileSize { public static int Rows => 3; public static int Vectors => 2; }

internal readonly struct Tile4x2 : ITileSize { public static int Rows => 4; public static int Vectors => 2; }

internal readonly struct Tile5x2 : ITileSize { public static int Rows => 5; public static int Vectors => 2; }

internal readonly struct Tile6x2 : ITileSize { public static int Rows => 6; public static int Vectors => 2; }
