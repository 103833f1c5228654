export const pagePolicy: string;
export const headerPolicy: string;
export const isolationHeaders: Record<string, string>;
export const commonHeaders: Record<string, string>;
