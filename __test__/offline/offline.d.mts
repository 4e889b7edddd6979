/** How one scenario went. */
export interface Result {
  name: string
  error?: string
}
export declare function offlineArgv(argv: string[]): [string, ...string[]]
export declare function flagsOf(node: string): string[]
export declare function runOffline(file: string, options?: { node?: string; brokered?: boolean }): Promise<Result[]>
export declare function runForeign(argv: string[]): Promise<Result[]>
