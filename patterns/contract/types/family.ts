/**
 * A sub-task's id says whose it is: the id of its parent, the step that spawned it, and its place among those of the step:
 * `task_1.4-2`. So whoever repeats the step names the same task, and nobody has to look up a family. No other id has a dot.
 */
export function subTaskId(parentId: string, step: number, place: number): string {
  return `${parentId}.${step}-${place}`
}

/** Ids of the tasks above one, the first of all before the others; none: nobody has spawned it. */
export function ancestorsOf(taskId: string): readonly string[] {
  const parts = taskId.split('.')
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('.'))
}

/** Whether it is this task, or one below it. */
export function isOfFamily(taskId: string, headId: string): boolean {
  return taskId === headId || taskId.startsWith(`${headId}.`)
}
