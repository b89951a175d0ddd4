;;; first-output.el --- From asking for a command to its first output  -*- lexical-binding: t; -*-

;;; Commentary:

;; Through Weir, and run directly by Emacs, in turns, so that whatever else the machine does meets both.

;;; Code:

(require 'weir)

(defun first-output-time (start)
  "Return how many milliseconds it takes START to call its argument.
It has to do so at the first output."
  (let ((begun (float-time)) seen)
    (funcall start (lambda (&rest _) (setq seen (or seen (float-time)))))
    (while (not seen)
      ;; What is read of a process that has ended already does not end the waiting by itself.
      (accept-process-output nil 0.001))
    (* 1000 (- seen begun))))

(defun first-output-median (times)
  "The median of TIMES."
  (nth (/ (length times) 2) (sort times #'<)))

(let* ((runs (string-to-number (or (getenv "WEIR_RUNS") "50")))
       (weir (weir-connect (list (or (getenv "WEIR_BIN") "weir") "--no-config")))
       through directly)
  (dotimes (_ runs)
    (push (first-output-time (lambda (seen) (weir-start weir ["echo" "first"] :output seen))) through)
    (push (first-output-time
           (lambda (seen)
             (make-process :name "echo" :command '("echo" "first") :connection-type 'pipe :filter seen)))
          directly))
  (weir-stop weir)
  (princ (format "first output: %.1f ms through Weir, %.1f ms directly (median of %d)\n"
                 (first-output-median through) (first-output-median directly) runs)))

;;; first-output.el ends here
