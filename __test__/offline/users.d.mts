export declare function exists(id: number): boolean
export declare const other: number | undefined
export declare const otherReads: boolean
/** What to run for a program without any capability. */
export declare const UNPRIVILEGED: [string, ...string[]]
