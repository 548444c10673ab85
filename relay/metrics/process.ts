/**
 * The usual `process_*` numbers. Written by hand: prom-client's own print NaN and sentinels under Deno.
 * @module
 */

import type { Metric } from "prom-client";
import process from "node:process";
import { countedElsewhere, gauge } from "./plain_numbers.ts";

const startedAtSeconds = (Date.now() - performance.now()) / 1000;

/** What can be read of this process now; numbers that this system does not offer are left out. */
export function processMetrics(): Metric[] {
  const { user, system } = process.cpuUsage();
  const memory = Deno.memoryUsage();
  const all = [
    countedElsewhere("process_cpu_seconds_total", "CPU time used, in seconds.", (user + system) / 1e6),
    gauge("process_resident_memory_bytes", "Resident memory.", memory.rss),
    gauge("process_heap_bytes", "JavaScript heap in use.", memory.heapUsed),
    gauge("process_start_time_seconds", "Start of the process in Unix time.", startedAtSeconds),
  ];
  const open = openFiles();
  if (open !== null) all.push(gauge("process_open_fds", "Open file descriptors.", open));
  return all;
}

function openFiles(): number | null {
  try {
    return [...Deno.readDirSync("/proc/self/fd")].length;
  } catch {
    return null; // no procfs on this system, or not for us
  }
}
