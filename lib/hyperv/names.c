/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: hyperv, and compiled into the plugin. See names.h for the contents and their sources. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "names.h"

struct name {
	uint32_t code;
	const char *name;
};

/* Every table is sorted by code for a binary search. */
static const char *lookup(const struct name *table, size_t n, uint32_t code)
{
	size_t lo = 0;

	while (n > lo) {
		size_t mid = lo + (n - lo) / 2;

		if (table[mid].code == code)
			return table[mid].name;
		if (table[mid].code < code)
			lo = mid + 1;
		else
			n = mid;
	}
	return NULL;
}

#define LOOKUP(table, code) lookup(table, ARRAY_SIZE(table), code)

/* 16 SINTs from @base on. */
#define SINTS(base, prefix)                                                                        \
	{ (base) + 0, prefix "0" }, { (base) + 1, prefix "1" }, { (base) + 2, prefix "2" },        \
		{ (base) + 3, prefix "3" }, { (base) + 4, prefix "4" },                            \
		{ (base) + 5, prefix "5" }, { (base) + 6, prefix "6" },                            \
		{ (base) + 7, prefix "7" }, { (base) + 8, prefix "8" },                            \
		{ (base) + 9, prefix "9" }, { (base) + 10, prefix "10" },                          \
		{ (base) + 11, prefix "11" }, { (base) + 12, prefix "12" },                        \
		{ (base) + 13, prefix "13" }, { (base) + 14, prefix "14" },                        \
	{                                                                                          \
		(base) + 15, prefix "15"                                                           \
	}

static const struct name msrs[] = {
	{ HVST_MSR_IA32_TSC, "IA32_TSC" },
	{ HVST_MSR_KVM_WALL_CLOCK, "KVM_WALL_CLOCK" },
	{ HVST_MSR_KVM_SYSTEM_TIME, "KVM_SYSTEM_TIME" },
	{ HVST_MSR_IA32_TSC_ADJUST, "IA32_TSC_ADJUST" },
	{ HVST_MSR_IA32_TSC_DEADLINE, "IA32_TSC_DEADLINE" },
	{ HVST_MSR_GUEST_OS_ID, "HV_GUEST_OS_ID" },
	{ HVST_MSR_HYPERCALL, "HV_HYPERCALL" },
	{ HVST_MSR_VP_INDEX, "HV_VP_INDEX" },
	{ HVST_MSR_RESET, "HV_RESET" },
	{ HVST_MSR_VP_RUNTIME, "HV_VP_RUNTIME" },
	{ HVST_MSR_TIME_REF_COUNT, "HV_TIME_REF_COUNT" },
	{ HVST_MSR_REFERENCE_TSC, "HV_REFERENCE_TSC" },
	{ HVST_MSR_TSC_FREQUENCY, "HV_TSC_FREQUENCY" },
	{ HVST_MSR_APIC_FREQUENCY, "HV_APIC_FREQUENCY" },
	{ 0x40000040, "HV_NPIEP_CONFIG" },
	{ HVST_MSR_EOI, "HV_EOI" },
	{ HVST_MSR_ICR, "HV_ICR" },
	{ HVST_MSR_TPR, "HV_TPR" },
	{ HVST_MSR_VP_ASSIST_PAGE, "HV_VP_ASSIST_PAGE" },
	{ HVST_MSR_SCONTROL, "HV_SCONTROL" },
	{ HVST_MSR_SVERSION, "HV_SVERSION" },
	{ HVST_MSR_SIEFP, "HV_SIEFP" },
	{ HVST_MSR_SIMP, "HV_SIMP" },
	{ HVST_MSR_EOM, "HV_EOM" },
	{ 0x40000085, "HV_SIRBP" },
	SINTS(HVST_MSR_SINT0, "HV_SINT"),
	{ 0x400000b0, "HV_STIMER0_CONFIG" },
	{ 0x400000b1, "HV_STIMER0_COUNT" },
	{ 0x400000b2, "HV_STIMER1_CONFIG" },
	{ 0x400000b3, "HV_STIMER1_COUNT" },
	{ 0x400000b4, "HV_STIMER2_CONFIG" },
	{ 0x400000b5, "HV_STIMER2_COUNT" },
	{ 0x400000b6, "HV_STIMER3_CONFIG" },
	{ 0x400000b7, "HV_STIMER3_COUNT" },
	{ 0x400000c1, "HV_POWER_STATE_TRIGGER_C1" },
	{ 0x400000c2, "HV_POWER_STATE_TRIGGER_C2" },
	{ 0x400000c3, "HV_POWER_STATE_TRIGGER_C3" },
	{ 0x400000d1, "HV_POWER_STATE_CONFIG_C1" },
	{ 0x400000d2, "HV_POWER_STATE_CONFIG_C2" },
	{ 0x400000d3, "HV_POWER_STATE_CONFIG_C3" },
	{ 0x400000e0, "HV_STATS_PARTITION_RETAIL_PAGE" },
	{ 0x400000e1, "HV_STATS_PARTITION_INTERNAL_PAGE" },
	{ 0x400000e2, "HV_STATS_VP_RETAIL_PAGE" },
	{ 0x400000e3, "HV_STATS_VP_INTERNAL_PAGE" },
	{ HVST_MSR_GUEST_IDLE, "HV_GUEST_IDLE" },
	{ HVST_MSR_SYNDBG_CONTROL, "HV_SYNDBG_CONTROL" },
	{ HVST_MSR_SYNDBG_STATUS, "HV_SYNDBG_STATUS" },
	{ HVST_MSR_SYNDBG_SEND_BUFFER, "HV_SYNDBG_SEND_BUFFER" },
	{ HVST_MSR_SYNDBG_RECV_BUFFER, "HV_SYNDBG_RECV_BUFFER" },
	{ HVST_MSR_SYNDBG_PENDING_BUFFER, "HV_SYNDBG_PENDING_BUFFER" },
	{ HVST_MSR_SYNDBG_OPTIONS, "HV_SYNDBG_OPTIONS" },
	{ HVST_MSR_CRASH_P0, "HV_CRASH_P0" },
	{ 0x40000101, "HV_CRASH_P1" },
	{ 0x40000102, "HV_CRASH_P2" },
	{ 0x40000103, "HV_CRASH_P3" },
	{ 0x40000104, "HV_CRASH_P4" },
	{ HVST_MSR_CRASH_CTL, "HV_CRASH_CTL" },
	{ HVST_MSR_REENLIGHTENMENT_CONTROL, "HV_REENLIGHTENMENT_CONTROL" },
	{ HVST_MSR_TSC_EMULATION_CONTROL, "HV_TSC_EMULATION_CONTROL" },
	{ HVST_MSR_TSC_EMULATION_STATUS, "HV_TSC_EMULATION_STATUS" },
	{ HVST_MSR_STIME_UNHALTED_TIMER_CONFIG, "HV_STIME_UNHALTED_TIMER_CONFIG" },
	{ HVST_MSR_STIME_UNHALTED_TIMER_COUNT, "HV_STIME_UNHALTED_TIMER_COUNT" },
	{ HVST_MSR_TSC_INVARIANT_CONTROL, "HV_TSC_INVARIANT_CONTROL" },
	{ 0x40001002, "HV_NESTED_VP_INDEX" },
	{ 0x40001080, "HV_NESTED_SCONTROL" },
	{ 0x40001081, "HV_NESTED_SVERSION" },
	{ 0x40001082, "HV_NESTED_SIEFP" },
	{ 0x40001083, "HV_NESTED_SIMP" },
	{ 0x40001084, "HV_NESTED_EOM" },
	{ 0x40001085, "HV_NESTED_SIRBP" },
	SINTS(HVST_MSR_SINT0 + HVST_MSR_NESTED_OFFSET, "HV_NESTED_SINT"),
	{ HVST_MSR_KVM_WALL_CLOCK_NEW, "KVM_WALL_CLOCK_NEW" },
	{ HVST_MSR_KVM_SYSTEM_TIME_NEW, "KVM_SYSTEM_TIME_NEW" },
};

static const struct name hypercalls[] = {
	{ 0x0001, "HvCallSwitchVirtualAddressSpace" },
	{ 0x0002, "HvCallFlushVirtualAddressSpace" },
	{ 0x0003, "HvCallFlushVirtualAddressList" },
	{ 0x0004, "HvCallGetLogicalProcessorRunTime" },
	{ 0x0008, "HvCallNotifyLongSpinWait" },
	{ 0x0009, "HvCallParkedVirtualProcessors" },
	{ 0x000b, "HvCallSendSyntheticClusterIpi" },
	{ 0x000c, "HvCallModifyVtlProtectionMask" },
	{ 0x000d, "HvCallEnablePartitionVtl" },
	{ 0x000e, "HvCallDisablePartitionVtl" },
	{ 0x000f, "HvCallEnableVpVtl" },
	{ 0x0010, "HvCallDisableVpVtl" },
	{ 0x0011, "HvCallVtlCall" },
	{ 0x0012, "HvCallVtlReturn" },
	{ 0x0013, "HvCallFlushVirtualAddressSpaceEx" },
	{ 0x0014, "HvCallFlushVirtualAddressListEx" },
	{ 0x0015, "HvCallSendSyntheticClusterIpiEx" },
	{ 0x0040, "HvCallCreatePartition" },
	{ 0x0041, "HvCallInitializePartition" },
	{ 0x0042, "HvCallFinalizePartition" },
	{ 0x0043, "HvCallDeletePartition" },
	{ 0x0044, "HvCallGetPartitionProperty" },
	{ 0x0045, "HvCallSetPartitionProperty" },
	{ 0x0046, "HvCallGetPartitionId" },
	{ 0x0047, "HvCallGetNextChildPartition" },
	{ 0x0048, "HvCallDepositMemory" },
	{ 0x0049, "HvCallWithdrawMemory" },
	{ 0x004a, "HvCallGetMemoryBalance" },
	{ 0x004b, "HvCallMapGpaPages" },
	{ 0x004c, "HvCallUnmapGpaPages" },
	{ 0x004d, "HvCallInstallIntercept" },
	{ 0x004e, "HvCallCreateVp" },
	{ 0x004f, "HvCallDeleteVp" },
	{ 0x0050, "HvCallGetVpRegisters" },
	{ 0x0051, "HvCallSetVpRegisters" },
	{ 0x0052, "HvCallTranslateVirtualAddress" },
	{ 0x0053, "HvCallReadGpa" },
	{ 0x0054, "HvCallWriteGpa" },
	{ 0x0056, "HvCallClearVirtualInterrupt" },
	{ 0x0058, "HvCallDeletePort" },
	{ 0x005b, "HvCallDisconnectPort" },
	{ 0x005c, "HvCallPostMessage" },
	{ 0x005d, "HvCallSignalEvent" },
	{ 0x0060, "HvCallInitializeEventLogBufferGroup" },
	{ 0x0061, "HvCallFinalizeEventLogBufferGroup" },
	{ 0x0062, "HvCallCreateEventLogBuffer" },
	{ 0x0063, "HvCallDeleteEventLogBuffer" },
	{ 0x0064, "HvCallMapEventLogBuffer" },
	{ 0x0065, "HvCallUnmapEventLogBuffer" },
	{ 0x0066, "HvCallSetEventLogGroupSources" },
	{ 0x0067, "HvCallReleaseEventLogBuffer" },
	{ 0x0068, "HvCallFlushEventLogBuffer" },
	{ 0x0069, "HvCallPostDebugData" },
	{ 0x006a, "HvCallRetrieveDebugData" },
	{ 0x006b, "HvCallResetDebugSession" },
	{ 0x006c, "HvCallMapStatsPage" },
	{ 0x006d, "HvCallUnmapStatsPage" },
	{ 0x006f, "HvCallSetSystemProperty" },
	{ 0x0076, "HvCallAddLogicalProcessor" },
	{ 0x007b, "HvCallGetSystemProperty" },
	{ 0x007c, "HvCallMapDeviceInterrupt" },
	{ 0x007d, "HvCallUnmapDeviceInterrupt" },
	{ 0x007e, "HvCallRetargetDeviceInterrupt" },
	{ 0x0082, "HvCallAttachDevice" },
	{ 0x0083, "HvCallDetachDevice" },
	{ 0x0084, "HvCallEnterSleepState" },
	{ 0x0087, "HvCallNotifyPartitionEvent" },
	{ 0x008b, "HvCallNotifyPortRingEmpty" },
	{ 0x0091, "HvCallRegisterInterceptResult" },
	{ 0x0094, "HvCallAssertVirtualInterrupt" },
	{ 0x0095, "HvCallCreatePort" },
	{ 0x0096, "HvCallConnectPort" },
	{ 0x0099, "HvCallStartVirtualProcessor" },
	{ 0x009a, "HvCallGetVpIndexFromApicId" },
	{ 0x00af, "HvCallFlushGuestPhysicalAddressSpace" },
	{ 0x00b0, "HvCallFlushGuestPhysicalAddressList" },
	{ 0x00b1, "HvCallCreateDeviceDomain" },
	{ 0x00b2, "HvCallAttachDeviceDomain" },
	{ 0x00b3, "HvCallMapDeviceGpaPages" },
	{ 0x00b4, "HvCallUnmapDeviceGpaPages" },
	{ 0x00c0, "HvCallSignalEventDirect" },
	{ 0x00c1, "HvCallPostMessageDirect" },
	{ 0x00c2, "HvCallDispatchVp" },
	{ 0x00c4, "HvCallDetachDeviceDomain" },
	{ 0x00c5, "HvCallDeleteDeviceDomain" },
	{ 0x00c6, "HvCallQueryDeviceDomain" },
	{ 0x00c7, "HvCallMapSparseDeviceGpaPages" },
	{ 0x00c8, "HvCallUnmapSparseDeviceGpaPages" },
	{ 0x00c9, "HvCallGetGpaPagesAccessStates" },
	{ 0x00ce, "HvCallConfigureDeviceDomain" },
	{ 0x00d0, "HvCallFlushDeviceDomain" },
	{ 0x00d7, "HvCallAcquireSparseSpaPageHostAccess" },
	{ 0x00d8, "HvCallReleaseSparseSpaPageHostAccess" },
	{ 0x00db, "HvCallModifySparseGpaPageHostVisibility" },
	{ 0x00e1, "HvCallMapVpStatePage" },
	{ 0x00e2, "HvCallUnmapVpStatePage" },
	{ 0x00e3, "HvCallGetVpState" },
	{ 0x00e4, "HvCallSetVpState" },
	{ 0x00e5, "HvCallGetVpSetFromMda" },
	{ 0x00ef, "HvCallImportIsolatedPages" },
	{ 0x00f1, "HvCallCompleteIsolatedImport" },
	{ 0x00f2, "HvCallIssueSnpPspGuestRequest" },
	{ 0x00f4, "HvCallGetVpCpuidValues" },
	{ 0x00f8, "HvCallLogHypervisorSystemConfig" },
	{ 0x0101, "HvCallGetPartitionPropertyEx" },
	{ 0x0103, "HvCallRestorePartitionTime" },
	{ 0x0106, "HvCallMemoryMappedIoRead" },
	{ 0x0107, "HvCallMemoryMappedIoWrite" },
	{ 0x010f, "HvCallDisableHypervisorEx" },
	{ 0x0131, "HvCallMapStatsPage2" },
	{ 0x8001, "HvExtCallQueryCapabilities" },
	{ 0x8002, "HvExtCallGetBootZeroedMemory" },
	{ 0x8003, "HvExtCallMemoryHeatHint" },
};

static const struct name statuses[] = {
	{ 0x00, "HV_STATUS_SUCCESS" },
	{ 0x02, "HV_STATUS_INVALID_HYPERCALL_CODE" },
	{ 0x03, "HV_STATUS_INVALID_HYPERCALL_INPUT" },
	{ 0x04, "HV_STATUS_INVALID_ALIGNMENT" },
	{ 0x05, "HV_STATUS_INVALID_PARAMETER" },
	{ 0x06, "HV_STATUS_ACCESS_DENIED" },
	{ 0x07, "HV_STATUS_INVALID_PARTITION_STATE" },
	{ 0x08, "HV_STATUS_OPERATION_DENIED" },
	{ 0x09, "HV_STATUS_UNKNOWN_PROPERTY" },
	{ 0x0a, "HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE" },
	{ 0x0b, "HV_STATUS_INSUFFICIENT_MEMORY" },
	{ 0x0c, "HV_STATUS_PARTITION_TOO_DEEP" },
	{ 0x0d, "HV_STATUS_INVALID_PARTITION_ID" },
	{ 0x0e, "HV_STATUS_INVALID_VP_INDEX" },
	{ 0x10, "HV_STATUS_NOT_FOUND" },
	{ 0x11, "HV_STATUS_INVALID_PORT_ID" },
	{ 0x12, "HV_STATUS_INVALID_CONNECTION_ID" },
	{ 0x13, "HV_STATUS_INSUFFICIENT_BUFFERS" },
	{ 0x14, "HV_STATUS_NOT_ACKNOWLEDGED" },
	{ 0x15, "HV_STATUS_INVALID_VP_STATE" },
	{ 0x16, "HV_STATUS_ACKNOWLEDGED" },
	{ 0x17, "HV_STATUS_INVALID_SAVE_RESTORE_STATE" },
	{ 0x18, "HV_STATUS_INVALID_SYNIC_STATE" },
	{ 0x19, "HV_STATUS_OBJECT_IN_USE" },
	{ 0x1a, "HV_STATUS_INVALID_PROXIMITY_DOMAIN_INFO" },
	{ 0x1b, "HV_STATUS_NO_DATA" },
	{ 0x1c, "HV_STATUS_INACTIVE" },
	{ 0x1d, "HV_STATUS_NO_RESOURCES" },
	{ 0x1e, "HV_STATUS_FEATURE_UNAVAILABLE" },
	{ 0x1f, "HV_STATUS_PARTIAL_PACKET" },
	{ 0x20, "HV_STATUS_PROCESSOR_FEATURE_NOT_SUPPORTED" },
	{ 0x30, "HV_STATUS_PROCESSOR_CACHE_LINE_FLUSH_SIZE_INCOMPATIBLE" },
	{ 0x33, "HV_STATUS_INSUFFICIENT_BUFFER" },
	{ 0x37, "HV_STATUS_INCOMPATIBLE_PROCESSOR" },
	{ 0x38, "HV_STATUS_INSUFFICIENT_DEVICE_DOMAINS" },
	{ 0x3c, "HV_STATUS_CPUID_FEATURE_VALIDATION_ERROR" },
	{ 0x3d, "HV_STATUS_CPUID_XSAVE_FEATURE_VALIDATION_ERROR" },
	{ 0x3e, "HV_STATUS_PROCESSOR_STARTUP_TIMEOUT" },
	{ 0x3f, "HV_STATUS_SMX_ENABLED" },
	{ 0x41, "HV_STATUS_INVALID_LP_INDEX" },
	{ 0x50, "HV_STATUS_INVALID_REGISTER_VALUE" },
	{ 0x51, "HV_STATUS_INVALID_VTL_STATE" },
	{ 0x55, "HV_STATUS_NX_NOT_DETECTED" },
	{ 0x57, "HV_STATUS_INVALID_DEVICE_ID" },
	{ 0x58, "HV_STATUS_INVALID_DEVICE_STATE" },
	{ 0x59, "HV_STATUS_PENDING_PAGE_REQUESTS" },
	{ 0x60, "HV_STATUS_PAGE_REQUEST_INVALID" },
	{ 0x65, "HV_STATUS_KEY_ALREADY_EXISTS" },
	{ 0x66, "HV_STATUS_DEVICE_ALREADY_IN_DOMAIN" },
	{ 0x6f, "HV_STATUS_INVALID_CPU_GROUP_ID" },
	{ 0x70, "HV_STATUS_INVALID_CPU_GROUP_STATE" },
	{ 0x71, "HV_STATUS_OPERATION_FAILED" },
	{ 0x72, "HV_STATUS_NOT_ALLOWED_WITH_NESTED_VIRT_ACTIVE" },
	{ 0x74, "HV_STATUS_EVENT_BUFFER_ALREADY_FREED" },
	{ 0x75, "HV_STATUS_INSUFFICIENT_CONTIGUOUS_MEMORY" },
	{ 0x78, "HV_STATUS_TIME_OUT" },
	{ 0x79, "HV_STATUS_CALL_PENDING" },
	{ 0x86, "HV_STATUS_VTL_ALREADY_ENABLED" },
};

/* Basic exit reasons: the low 16 bits. */
static const struct name vmx_exits[] = {
	{ 0, "EXCEPTION_NMI" },
	{ 1, "EXTERNAL_INTERRUPT" },
	{ 2, "TRIPLE_FAULT" },
	{ 3, "INIT_SIGNAL" },
	{ 4, "SIPI_SIGNAL" },
	{ 7, "INTERRUPT_WINDOW" },
	{ 8, "NMI_WINDOW" },
	{ 9, "TASK_SWITCH" },
	{ 10, "CPUID" },
	{ 12, "HLT" },
	{ 13, "INVD" },
	{ 14, "INVLPG" },
	{ 15, "RDPMC" },
	{ 16, "RDTSC" },
	{ 18, "VMCALL" },
	{ 19, "VMCLEAR" },
	{ 20, "VMLAUNCH" },
	{ 21, "VMPTRLD" },
	{ 22, "VMPTRST" },
	{ 23, "VMREAD" },
	{ 24, "VMRESUME" },
	{ 25, "VMWRITE" },
	{ 26, "VMOFF" },
	{ 27, "VMON" },
	{ 28, "CR_ACCESS" },
	{ 29, "DR_ACCESS" },
	{ 30, "IO_INSTRUCTION" },
	{ 31, "MSR_READ" },
	{ 32, "MSR_WRITE" },
	{ 33, "INVALID_STATE" },
	{ 34, "MSR_LOAD_FAIL" },
	{ 36, "MWAIT_INSTRUCTION" },
	{ 37, "MONITOR_TRAP_FLAG" },
	{ 39, "MONITOR_INSTRUCTION" },
	{ 40, "PAUSE_INSTRUCTION" },
	{ 41, "MCE_DURING_VMENTRY" },
	{ 43, "TPR_BELOW_THRESHOLD" },
	{ 44, "APIC_ACCESS" },
	{ 45, "EOI_INDUCED" },
	{ 46, "GDTR_IDTR" },
	{ 47, "LDTR_TR" },
	{ 48, "EPT_VIOLATION" },
	{ 49, "EPT_MISCONFIG" },
	{ 50, "INVEPT" },
	{ 51, "RDTSCP" },
	{ 52, "PREEMPTION_TIMER" },
	{ 53, "INVVPID" },
	{ 54, "WBINVD" },
	{ 55, "XSETBV" },
	{ 56, "APIC_WRITE" },
	{ 57, "RDRAND" },
	{ 58, "INVPCID" },
	{ 59, "VMFUNC" },
	{ 60, "ENCLS" },
	{ 61, "RDSEED" },
	{ 62, "PML_FULL" },
	{ 63, "XSAVES" },
	{ 64, "XRSTORS" },
	{ 67, "UMWAIT" },
	{ 68, "TPAUSE" },
	{ 74, "BUS_LOCK" },
	{ 75, "NOTIFY" },
	{ 77, "TDCALL" },
	{ 84, "MSR_READ_IMM" },
	{ 85, "MSR_WRITE_IMM" },
};

static const struct name svm_exits[] = {
	{ 0x000, "read_cr0" },
	{ 0x002, "read_cr2" },
	{ 0x003, "read_cr3" },
	{ 0x004, "read_cr4" },
	{ 0x008, "read_cr8" },
	{ 0x010, "write_cr0" },
	{ 0x012, "write_cr2" },
	{ 0x013, "write_cr3" },
	{ 0x014, "write_cr4" },
	{ 0x018, "write_cr8" },
	{ 0x020, "read_dr0" },
	{ 0x021, "read_dr1" },
	{ 0x022, "read_dr2" },
	{ 0x023, "read_dr3" },
	{ 0x024, "read_dr4" },
	{ 0x025, "read_dr5" },
	{ 0x026, "read_dr6" },
	{ 0x027, "read_dr7" },
	{ 0x030, "write_dr0" },
	{ 0x031, "write_dr1" },
	{ 0x032, "write_dr2" },
	{ 0x033, "write_dr3" },
	{ 0x034, "write_dr4" },
	{ 0x035, "write_dr5" },
	{ 0x036, "write_dr6" },
	{ 0x037, "write_dr7" },
	{ 0x040, "DE excp" },
	{ 0x041, "DB excp" },
	{ 0x043, "BP excp" },
	{ 0x044, "OF excp" },
	{ 0x045, "BR excp" },
	{ 0x046, "UD excp" },
	{ 0x047, "NM excp" },
	{ 0x048, "DF excp" },
	{ 0x04a, "TS excp" },
	{ 0x04b, "NP excp" },
	{ 0x04c, "SS excp" },
	{ 0x04d, "GP excp" },
	{ 0x04e, "PF excp" },
	{ 0x050, "MF excp" },
	{ 0x051, "AC excp" },
	{ 0x052, "MC excp" },
	{ 0x053, "XF excp" },
	{ 0x060, "interrupt" },
	{ 0x061, "nmi" },
	{ 0x062, "smi" },
	{ 0x063, "init" },
	{ 0x064, "vintr" },
	{ 0x065, "cr0_sel_write" },
	{ 0x066, "read_idtr" },
	{ 0x067, "read_gdtr" },
	{ 0x068, "read_ldtr" },
	{ 0x069, "read_rt" },
	{ 0x06a, "write_idtr" },
	{ 0x06b, "write_gdtr" },
	{ 0x06c, "write_ldtr" },
	{ 0x06d, "write_rt" },
	{ 0x06e, "rdtsc" },
	{ 0x06f, "rdpmc" },
	{ 0x070, "pushf" },
	{ 0x071, "popf" },
	{ 0x072, "cpuid" },
	{ 0x073, "rsm" },
	{ 0x074, "iret" },
	{ 0x075, "swint" },
	{ 0x076, "invd" },
	{ 0x077, "pause" },
	{ 0x078, "hlt" },
	{ 0x079, "invlpg" },
	{ 0x07a, "invlpga" },
	{ 0x07b, "io" },
	{ 0x07c, "msr" },
	{ 0x07d, "task_switch" },
	{ 0x07e, "ferr_freeze" },
	{ 0x07f, "shutdown" },
	{ 0x080, "vmrun" },
	{ 0x081, "hypercall" },
	{ 0x082, "vmload" },
	{ 0x083, "vmsave" },
	{ 0x084, "stgi" },
	{ 0x085, "clgi" },
	{ 0x086, "skinit" },
	{ 0x087, "rdtscp" },
	{ 0x088, "icebp" },
	{ 0x089, "wbinvd" },
	{ 0x08a, "monitor" },
	{ 0x08b, "mwait" },
	{ 0x08d, "xsetbv" },
	{ 0x08f, "write_efer_trap" },
	{ 0x090, "write_cr0_trap" },
	{ 0x094, "write_cr4_trap" },
	{ 0x098, "write_cr8_trap" },
	{ 0x0a2, "invpcid" },
	{ 0x0a5, "buslock" },
	{ 0x0a6, "idle-halt" },
	{ 0x400, "npf" },
	{ 0x401, "avic_incomplete_ipi" },
	{ 0x402, "avic_unaccelerated_access" },
	{ 0x403, "vmgexit" },
	{ 0x80000001, "vmgexit_mmio_read" },
	{ 0x80000002, "vmgexit_mmio_write" },
	{ 0x80000003, "vmgexit_nmi_complete" },
	{ 0x80000004, "vmgexit_ap_hlt_loop" },
	{ 0x80000005, "vmgexit_ap_jump_table" },
	{ 0x80000010, "vmgexit_page_state_change" },
	{ 0x80000011, "vmgexit_guest_request" },
	{ 0x80000012, "vmgexit_ext_guest_request" },
	{ 0x80000013, "vmgexit_ap_creation" },
	{ 0x8000fffd, "vmgexit_hypervisor_feature" },
	{ 0xffffffff, "invalid_guest_state" },
};

static const struct name apic_regs[] = {
	{ 0x02, "ID" },	     { 0x03, "LVR" },	   { 0x08, "TASKPRI" }, { 0x09, "ARBPRI" },
	{ 0x0a, "PROCPRI" }, { 0x0b, "EOI" },	   { 0x0c, "RRR" },	{ 0x0d, "LDR" },
	{ 0x0e, "DFR" },     { 0x0f, "SPIV" },	   { 0x10, "ISR" },	{ 0x18, "TMR" },
	{ 0x20, "IRR" },     { 0x28, "ESR" },	   { 0x30, "ICR" },	{ 0x31, "ICR2" },
	{ 0x32, "LVTT" },    { 0x33, "LVTTHMR" },  { 0x34, "LVTPC" },	{ 0x35, "LVT0" },
	{ 0x36, "LVT1" },    { 0x37, "LVTERR" },   { 0x38, "TMICT" },	{ 0x39, "TMCCT" },
	{ 0x3e, "TDCR" },    { 0x3f, "SELF_IPI" }, { 0x40, "EFEAT" },	{ 0x41, "ECTRL" },
};

const char *hvst_msr_name(uint32_t msr)
{
	return LOOKUP(msrs, msr);
}

const char *hvst_hypercall_name(uint32_t code)
{
	return LOOKUP(hypercalls, code);
}

const char *hvst_hypercall_status_name(uint32_t status)
{
	return LOOKUP(statuses, status);
}

const char *hvst_exit_reason_name(unsigned int isa, uint32_t reason)
{
	if (isa == HVST_ISA_VMX)
		return LOOKUP(vmx_exits, reason & 0xffff);
	return isa == HVST_ISA_SVM ? LOOKUP(svm_exits, reason) : NULL;
}

const char *hvst_apic_reg_name(uint32_t reg)
{
	return LOOKUP(apic_regs, reg);
}

const char *hvst_clock_mode_name(uint32_t mode)
{
	static const struct name modes[] = {
		{ 0, "none" },
		{ 1, "tsc" },
		{ 2, "pvclock" },
		{ 3, "hvclock" },
	};

	return LOOKUP(modes, mode);
}

/* Text appended to the caller's buffer, truncated at its end. */
struct text {
	char *buf;
	size_t len, used;
};

static void start(struct text *t, char *buf, size_t len)
{
	*t = (struct text){ .buf = buf, .len = len };
	if (len)
		buf[0] = '\0';
}

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (t->used + 1 >= t->len)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->used, t->len - t->used, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->used += (size_t)n < t->len - t->used ? (size_t)n : t->len - t->used - 1;
}

/* Appends a word, with a separator unless it is the first. */
static void add_word(struct text *t, const char *separator, const char *word)
{
	add(t, "%s%s", t->used ? separator : "", word);
}

size_t hvst_stimer_config_text(char *buf, size_t len, uint64_t config)
{
	struct text t;

	start(&t, buf, len);
	if (!config) {
		add(&t, "cleared");
		return t.used;
	}
	if (config & HVST_STIMER_ENABLE)
		add_word(&t, " ", "enabled");
	else if (!(config & HVST_STIMER_AUTO_ENABLE))
		add_word(&t, " ", "disabled");
	add_word(&t, " ", config & HVST_STIMER_PERIODIC ? "periodic" : "one-shot");
	if (config & HVST_STIMER_LAZY)
		add_word(&t, " ", "lazy");
	if (config & HVST_STIMER_AUTO_ENABLE)
		add_word(&t, " ", "auto-enable");
	if (config & HVST_STIMER_DIRECT)
		add(&t, " direct vector 0x%x", hvst_stimer_vector(config));
	else if (hvst_stimer_sint(config))
		add(&t, " SINT%u", hvst_stimer_sint(config));
	else
		add_word(&t, " ", "no SINT");
	if (config & HVST_STIMER_RESERVED)
		add(&t, " reserved bits 0x%" PRIx64, (uint64_t)(config & HVST_STIMER_RESERVED));
	return t.used;
}

size_t hvst_sint_text(char *buf, size_t len, uint64_t sint)
{
	struct text t;

	start(&t, buf, len);
	add(&t, "vector 0x%x", (unsigned int)(sint & 0xff));
	if (sint & HVST_SINT_MASKED)
		add_word(&t, " ", "masked");
	if (sint & HVST_SINT_AUTO_EOI)
		add_word(&t, " ", "auto-EOI");
	if (sint & HVST_SINT_POLLING)
		add_word(&t, " ", "polling");
	return t.used;
}

/* As in KVM: 0 means delivered in either mode, 1 comes from direct mode only. */
const char *hvst_send_result_text(int direct, int result)
{
	if (direct)
		return result ? "direct, refused by the LAPIC" : "direct, delivered";
	switch (result) {
	case 0:
		return "message delivered";
	case -EAGAIN:
		return "message slot busy, retried after the guest's end of interrupt";
	case -ENOENT:
		return "not sent: SINT masked or message page off";
	case -EFAULT:
		return "not sent: message page not accessible";
	case -EINVAL:
		return "not sent: no such SINT";
	default:
		return "not sent";
	}
}

static void add_text(struct text *t, size_t (*text)(char *, size_t, uint64_t), uint64_t value)
{
	char buf[160];

	text(buf, sizeof(buf), value);
	add(t, "%s", buf);
}

/* An MSR's value in words: written by one of these. */
typedef void (*value_writer)(struct text *t, uint64_t value, enum hvst_unit unit);

static void add_duration(struct text *t, uint64_t ref, enum hvst_unit unit)
{
	char d[40];

	hvst_duration_text_in(d, sizeof(d), hvst_ref_diff_ns(ref, 0), unit, false);
	add(t, "%s", d);
}

/* Bit 0 enables, bits 12 and up are the guest page number. */
static void add_page(struct text *t, uint64_t value, enum hvst_unit unit)
{
	(void)unit;
	add(t, "%s", value & HVST_MSR_ENABLE ? "enable" : "disable");
	if (value >> 12)
		add(t, ", page 0x%" PRIx64, value >> 12);
}

static void add_enable(struct text *t, uint64_t value, enum hvst_unit unit)
{
	(void)unit;
	add(t, "%s", value & HVST_MSR_ENABLE ? "enable" : "disable");
}

static void add_reenlightenment(struct text *t, uint64_t value, enum hvst_unit unit)
{
	(void)unit;
	add(t, "%s, vector 0x%x, VP %u", value & HVST_REENLIGHTENMENT_ENABLE ? "enable" : "disable",
	    (unsigned int)(value & 0xff), (unsigned int)(value >> 32));
}

static void add_emulation_status(struct text *t, uint64_t value, enum hvst_unit unit)
{
	(void)unit;
	add(t, "%s", value & 1 ? "in progress" : "not emulated");
}

static void add_invariant_control(struct text *t, uint64_t value, enum hvst_unit unit)
{
	(void)unit;
	add(t, "invariant TSC %s", value & 1 ? "exposed" : "hidden");
}

static void add_frequency(struct text *t, uint64_t hz, enum hvst_unit unit)
{
	(void)unit;
	add(t, "%" PRIu64 ".%03" PRIu64 " MHz", hz / 1000000, hz / 1000 % 1000);
}

static void add_number(struct text *t, uint64_t value, enum hvst_unit unit)
{
	(void)unit;
	add(t, "%u", (unsigned int)value);
}

static void add_cycles(struct text *t, uint64_t value, enum hvst_unit unit)
{
	(void)unit;
	add(t, "%+" PRId64 " cycles", (int64_t)value);
}

static void add_tsc_deadline(struct text *t, uint64_t value, enum hvst_unit unit)
{
	(void)unit;
	add(t, "%s", value ? "armed" : "disarmed");
}

/* KVM's debugger channel, not in the TLFS: bits as the VMM uses them. */
static void add_syndbg_control(struct text *t, uint64_t value, enum hvst_unit unit)
{
	(void)unit;
	if (value & 1)
		add(t, "send %u bytes", (unsigned int)(value >> 16 & 0xffff));
	if (value & 2)
		add_word(t, ", ", "receive");
}

static void add_syndbg_status(struct text *t, uint64_t value, enum hvst_unit unit)
{
	(void)unit;
	if (value & 1)
		add_word(t, ", ", "sent");
	if (value & 4)
		add(t, "%sreceived %u bytes", t->used ? ", " : "",
		    (unsigned int)(value >> 16 & 0xffff));
	if (value & 8)
		add_word(t, ", ", "reset");
}

static void add_crash_control(struct text *t, uint64_t value, enum hvst_unit unit)
{
	(void)unit;
	if (value >> 63)
		add_word(t, ", ", "crash notification");
	if (value >> 62 & 1)
		add_word(t, ", ", "with a message");
}

static void add_guest_os(struct text *t, uint64_t value, enum hvst_unit unit)
{
	(void)unit;
	add_text(t, hvst_guest_os_text, value);
}

static void add_config(struct text *t, uint64_t value, enum hvst_unit unit)
{
	(void)unit;
	add_text(t, hvst_stimer_config_text, value);
}

static void add_sint(struct text *t, uint64_t value, enum hvst_unit unit)
{
	(void)unit;
	add_text(t, hvst_sint_text, value);
}

static const struct {
	uint32_t msr;
	value_writer write;
} msr_values[] = {
	{ HVST_MSR_IA32_TSC_ADJUST, add_cycles },
	{ HVST_MSR_IA32_TSC_DEADLINE, add_tsc_deadline },
	{ HVST_MSR_KVM_SYSTEM_TIME, add_enable },
	{ HVST_MSR_KVM_SYSTEM_TIME_NEW, add_enable },
	{ HVST_MSR_GUEST_OS_ID, add_guest_os },
	{ HVST_MSR_HYPERCALL, add_page },
	{ HVST_MSR_VP_INDEX, add_number },
	{ HVST_MSR_VP_RUNTIME, add_duration },
	{ HVST_MSR_TIME_REF_COUNT, add_duration },
	{ HVST_MSR_REFERENCE_TSC, add_page },
	{ HVST_MSR_TSC_FREQUENCY, add_frequency },
	{ HVST_MSR_APIC_FREQUENCY, add_frequency },
	{ HVST_MSR_VP_ASSIST_PAGE, add_page },
	{ HVST_MSR_SCONTROL, add_enable },
	{ HVST_MSR_SIEFP, add_page },
	{ HVST_MSR_SIMP, add_page },
	{ HVST_MSR_SYNDBG_CONTROL, add_syndbg_control },
	{ HVST_MSR_SYNDBG_STATUS, add_syndbg_status },
	{ HVST_MSR_CRASH_CTL, add_crash_control },
	{ HVST_MSR_REENLIGHTENMENT_CONTROL, add_reenlightenment },
	{ HVST_MSR_TSC_EMULATION_CONTROL, add_enable },
	{ HVST_MSR_TSC_EMULATION_STATUS, add_emulation_status },
	{ HVST_MSR_TSC_INVARIANT_CONTROL, add_invariant_control },
};

static value_writer find_writer(uint32_t msr)
{
	if (hvst_msr_is_stimer(msr))
		return hvst_msr_is_stimer_count(msr) ? add_duration : add_config;
	if (msr >= HVST_MSR_SINT0 && msr <= HVST_MSR_SINT15)
		return add_sint;
	for (size_t i = 0; i < ARRAY_SIZE(msr_values); i++)
		if (msr_values[i].msr == msr)
			return msr_values[i].write;
	return NULL;
}

size_t hvst_msr_value_text(char *buf, size_t len, uint32_t msr, uint64_t value, enum hvst_unit unit)
{
	uint32_t plain = msr - HVST_MSR_NESTED_OFFSET;
	value_writer write;
	struct text t;

	start(&t, buf, len);
	/* The nested SynIC has the same layouts as the plain one. */
	write = find_writer(plain >= HVST_MSR_SCONTROL && plain <= HVST_MSR_SINT15 ? plain : msr);
	if (write)
		write(&t, value, unit);
	return t.used;
}

/*
 * Bits 48..63 name the vendor of the guest: 0x8100 is Linux (open source, type 1), its version in
 * bits 16..47; 1 is Microsoft, with the system in bits 40..47 (4: Windows NT), its version and
 * build below.
 */
size_t hvst_guest_os_text(char *buf, size_t len, uint64_t id)
{
	struct text t;

	start(&t, buf, len);
	if (!id)
		add(&t, "none");
	else if (id >> 48 == 0x8100)
		add(&t, "Linux %u.%u.%u", (unsigned int)(id >> 32 & 0xff),
		    (unsigned int)(id >> 24 & 0xff), (unsigned int)(id >> 16 & 0xff));
	else if (id >> 40 == 0x104)
		add(&t, "Windows NT %u.%u build %u", (unsigned int)(id >> 32 & 0xff),
		    (unsigned int)(id >> 24 & 0xff), (unsigned int)(id & 0xffff));
	else
		add(&t, id >> 63 ? "open source, type 0x%x" : "vendor 0x%x",
		    (unsigned int)(id >> 63 ? id >> 56 & 0x7f : id >> 48));
	return t.used;
}

size_t hvst_mask_text(char *buf, size_t len, uint64_t mask, unsigned int base)
{
	unsigned int ranges = 0;
	struct text t;

	start(&t, buf, len);
	if (!mask)
		add(&t, "none");
	for (unsigned int bit = 0; bit < 64; bit++) {
		unsigned int first = bit;

		if (!(mask >> bit & 1))
			continue;
		if (ranges++ == 8) {
			add(&t, ",...");
			break;
		}
		while (bit < 63 && mask >> (bit + 1) & 1)
			bit++;
		add(&t, "%s%u", t.used ? "," : "", base + first);
		if (bit > first)
			add(&t, "-%u", base + bit);
	}
	return t.used;
}

size_t hvst_flush_flags_text(char *buf, size_t len, uint64_t flags)
{
	static const char *const words[] = {
		"all processors",
		"all address spaces",
		"non-global only",
		"extended ranges",
	};
	struct text t;

	start(&t, buf, len);
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
		if (flags >> i & 1)
			add_word(&t, ", ", words[i]);
	return t.used;
}

static enum hvst_unit sensible_unit(uint64_t ns)
{
	if (ns >= 1000000)
		return HVST_UNIT_MS;
	return ns >= 1000 ? HVST_UNIT_US : HVST_UNIT_NS;
}

size_t hvst_duration_text_in(char *buf, size_t len, int64_t ns, enum hvst_unit unit, bool plus)
{
	const char *sign = ns < 0 ? "-" : plus && ns ? "+" : "";
	uint64_t n = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	struct text t;

	start(&t, buf, len);
	if (unit == HVST_UNIT_AUTO && n >= 1000000000) {
		add(&t, "%s%" PRIu64 ".%06" PRIu64 " s", sign, n / 1000000000, n / 1000 % 1000000);
		return t.used;
	}
	switch (unit == HVST_UNIT_AUTO ? sensible_unit(n) : unit) {
	case HVST_UNIT_MS:
		add(&t, "%s%" PRIu64 ".%03" PRIu64 " ms", sign, n / 1000000, n / 1000 % 1000);
		break;
	case HVST_UNIT_US:
		add(&t, "%s%" PRIu64 ".%" PRIu64 " us", sign, n / 1000, n / 100 % 10);
		break;
	case HVST_UNIT_REF:
		add(&t, "%s%" PRIu64, sign, n / 100);
		if (n % 100)
			add(&t, ".%02" PRIu64, n % 100);
		add(&t, " ref");
		break;
	default:
		add(&t, "%s%" PRIu64 " ns", sign, n);
	}
	return t.used;
}
