namespace GpuConv.Tests;

/// <summary>That what the tools write is read rightly, so that the checks built on it can fail.</summary>
public class AssemblerTests
{
    private const string Report = """
        ptxas info    : 0 bytes gmem
        ptxas info    : Compiling entry function 'k1' for 'sm_90'
        ptxas info    : Function properties for k1
            16 bytes stack frame, 24 bytes spill stores, 32 bytes spill loads
        ptxas info    : Used 255 registers, used 1 barriers, 16 bytes cumulative stack size, 6272 bytes smem
        ptxas info    : Compiling entry function 'k0' for 'sm_90'
        ptxas info    : Function properties for k0
            0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
        ptxas info    : Used 8 registers, 380 bytes cmem[0]
        """;

    // An outer loop with a multiply-add of its own around one with two, left by a branch forwards; the end is filled as in real code.
    private const string Code = """
        		Function : k0
        	.headerflags	@"EF_CUDA_TEXMODE_UNIFIED EF_CUDA_64BIT_ADDRESS EF_CUDA_SM90"
                /*0000*/                   MOV R1, c[0x0][0x28] ;                    /* 0x00000a0000017a02 */
                                                                                     /* 0x000fe40000000f00 */
                /*0010*/                   EXIT ;                                    /* 0x000000000000794d */
                /*0020*/                   BRA 0x20 ;                                /* 0xfffffff000007947 */
        		Function : k1
                /*0000*/                   MOV R1, c[0x0][0x28] ;                    /* 0x00000a0000017a02 */
                /*0010*/                   LDL R2, [R1] ;                            /* 0x0000000001027983 */
                /*0020*/                   FFMA R3, R2, R2, R3 ;                     /* 0x0000000202037223 */
                /*0030*/                   LDS R4, [R5] ;                            /* 0x0000000005047984 */
                /*0040*/              @P1  BRA 0xa0 ;                                /* 0x0000006000001947 */
                /*0050*/                   FFMA R6, R4, R4, R6 ;                     /* 0x0000000404067223 */
                /*0058*/                   HMMA.1688.F32.TF32 R4, R8, R16, R4 ;      /* 0x000000100804723c */
                /*0060*/                   FFMA.FTZ R7, R4, R4, R7 ;                 /* 0x0000000404077223 */
                /*0070*/              @!P0 BRA 0x30 ;                                /* 0xffffffb000008947 */
                /*0080*/                   FADD R3, R3, R3 ;                         /* 0x0000000303037221 */
                /*0090*/              @P2  BRA 0x10 ;                                /* 0xffffff7000002947 */
                /*00a0*/                   EXIT ;                                    /* 0x000000000000794d */
                /*00b0*/                   BRA 0xb0;                                 /* 0xfffffff000007947 */
        """;

    [Fact]
    public void Registers_spills_and_local_memory_are_read_from_the_assemblers_report_and_code()
    {
        AssembledKernel[] kernels = Assembler.Read(Report, Code, 2);
        Assert.Equal([new AssembledKernel(8, 0, 0, 0, 0, []), new AssembledKernel(255, 6272, 56, 16, 1, [])], kernels.Select(k => k with { Loops = [] }));
    }

    [Fact]
    public void Loops_are_read_from_the_code_each_without_those_inside()
    {
        AssembledKernel[] kernels = Assembler.Read(Report, Code, 2);
        Assert.Empty(kernels[0].Loops);
        Assert.Null(kernels[0].MainLoop);
        Assert.Equal([new SassLoop(4, 1), new SassLoop(6, 2, 1)], kernels[1].Loops.OrderBy(l => l.Instructions));
        Assert.Equal(2.0 / 6, kernels[1].MainLoop!.Value.Share);
    }
}
