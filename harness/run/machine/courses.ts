import type { MachineHealth } from '../../model/machine.ts'
import { readCpuTimes, readPressureUs, readSwappedPages } from '../../os/proc.ts'
import { type CourseTracker, trackCourse } from './course.ts'

type Shared = Pick<
  MachineHealth,
  'cpuPressure' | 'memoryPressure' | 'ioPressure' | 'steal' | 'others' | 'own' | 'swappedPages'
>

/** What the kernel counts for the whole machine, followed. */
export interface MachineCourses {
  /** @param ranMs processor time of the run's own processes since the reading before */
  read(at: number, ranMs: number): void
  /** What the kernel does not count here is absent. */
  health(): Shared
}

export function followMachine(cores: number): MachineCourses {
  const [cpu, memory, io, steal, others, own] = Array.from({ length: 6 }, trackCourse) as Tuple<CourseTracker, 6>
  const swappedBefore = readSwappedPages()
  let ownMs = 0
  return {
    read(at, ranMs) {
      ownMs += ranMs
      own.add(at, ownMs / cores)
      addPressure(cpu, at, 'cpu')
      addPressure(memory, at, 'memory')
      addPressure(io, at, 'io')
      const times = readCpuTimes()
      if (!times) return
      steal.add(at, times.stolenMs / cores)
      others.add(at, (times.busyMs - ownMs) / cores)
    },
    health() {
      const swapped = readSwappedPages()
      return {
        ...named('cpuPressure', cpu),
        ...named('memoryPressure', memory),
        ...named('ioPressure', io),
        ...named('steal', steal),
        ...named('others', others),
        ...named('own', own),
        ...(swapped !== undefined && { swappedPages: swapped - (swappedBefore ?? swapped) }),
      }
    },
  }
}

type Tuple<T, N extends number, R extends T[] = []> = R['length'] extends N ? R : Tuple<T, N, [...R, T]>

function addPressure(course: CourseTracker, at: number, resource: 'cpu' | 'memory' | 'io'): void {
  const totalUs = readPressureUs(resource)
  if (totalUs !== undefined) course.add(at, totalUs / 1000)
}

function named(name: keyof Shared, tracker: CourseTracker): Shared {
  const course = tracker.course()
  return course ? { [name]: course } : {}
}
