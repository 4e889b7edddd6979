export declare function exists(id: number): boolean
export declare const other: number | undefined
export declare function otherReads(): boolean
/** What to run for a program without any capability. */
export declare function unprivileged(): [string, ...string[]]
