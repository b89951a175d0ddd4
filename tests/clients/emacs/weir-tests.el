;;; weir-tests.el --- What weir.el relies on  -*- lexical-binding: t; -*-

;;; Commentary:

;; Against the `weir' of $WEIR_BIN:
;;
;;   emacs -Q --batch -L . -l weir-tests.el -f ert-run-tests-batch-and-exit

;;; Code:

(require 'ert)
(require 'weir)

(setq weir-command (list (or (getenv "WEIR_BIN") "weir")
                         "--config" (or (getenv "WEIR_CONFIG") "../weir.toml")))

(defmacro weir-tests-with (weir &rest body)
  "Evaluate BODY with a connection bound to WEIR, and stop it in order."
  (declare (indent 1))
  `(let ((,weir (weir-connect)))
     (prog1 (progn ,@body)
       (should (equal (weir-stop ,weir) 0)))))

(cl-defun weir-tests-follow (weir argv &key exited)
  "Run ARGV with WEIR to its close; return its events.
EXITED is called at the exit."
  (let (events)
    (weir-start weir argv
                :output (lambda (event) (push (plist-get event :text) events))
                :exited (lambda (event)
                          (push (plist-get event :exitCode) events)
                          (when exited (funcall exited event)))
                :closed (lambda (event) (push event events)))
    (weir-wait weir (lambda () (consp (car events))))
    (nreverse events)))

(defun weir-tests-kind (failure)
  "The kind of FAILURE, a `jsonrpc-error'."
  (plist-get (alist-get 'jsonrpc-error-data (cdr failure)) :kind))

(ert-deftest weir-tells-of-output-after-the-exit ()
  (weir-tests-with weir
    (let* ((directory (make-temp-file "weir" t))
           (gate (expand-file-name "gate" directory))
           (script (format "echo early; (read line < %s; echo late) & exit 3" gate)))
      (unwind-protect
          (progn
            (call-process "mkfifo" nil nil nil gate)
            (pcase-let ((`("early\n" 3 "late\n" ,closed)
                         (weir-tests-follow
                          weir (vector "sh" "-c" script)
                          :exited (lambda (event)
                                    (should (equal (plist-get event :streamsOpen) ["stdout" "stderr"]))
                                    (call-process "sh" nil nil nil "-c" (format "echo > %s" gate))))))
              (should (equal (plist-get closed :droppedBytes) 0))))
        (delete-directory directory t)))))

(ert-deftest weir-carries-characters-of-several-bytes ()
  (weir-tests-with weir
    (let* ((text "") done
           (id (weir-start weir ["cat"] :pipeStdin t
                           :output (lambda (event) (setq text (concat text (plist-get event :text))))
                           :closed (lambda (_) (setq done t)))))
      (should (equal (weir-write weir id "grüße, 世界 🌊\n" t) '(:status "accepted")))
      (weir-wait weir (lambda () done))
      (should (equal text "grüße, 世界 🌊\n")))))

(ert-deftest weir-loses-nothing-of-much-output ()
  (weir-tests-with weir
    (let* ((events (weir-tests-follow weir ["sh" "-c" "yes 0123456789abcde | head -c 4194304"]))
           (text (apply #'concat (cl-remove-if-not #'stringp events))))
      (should (equal (length text) 4194304))
      (should (equal (plist-get (car (last events)) :droppedBytes) 0)))))

(ert-deftest weir-ends-whole-trees ()
  (weir-tests-with weir
    (let* ((id (weir-start weir ["sh" "-c" "sleep 1000 & sleep 1000"]))
           (end (weir-terminate weir id)))
      (should (equal (plist-get end :running) t))
      (should (equal (plist-get end :survivors) [])))))

(ert-deftest weir-says-why-nothing-runs ()
  (weir-tests-with weir
    (should (equal (weir-tests-kind (should-error (weir-start weir ["no-such-program"])
                                                  :type 'jsonrpc-error))
                   "spawnFailed"))
    (should (equal (weir-tests-kind (should-error (weir-start weir []) :type 'jsonrpc-error))
                   "invalidParams"))))

(ert-deftest weir-asks-the-user ()
  (weir-tests-with weir
    (let* (asked
           (weir-ask-function (lambda (question) (push (plist-get question :argv) asked) t)))
      (should (equal (car (weir-tests-follow weir ["tee" "/dev/null"])) 0))
      (should (equal asked '(["tee" "/dev/null"]))))
    (let ((weir-ask-function #'ignore))
      (should (equal (weir-tests-kind (should-error (weir-start weir ["tee" "/dev/null"])
                                                    :type 'jsonrpc-error))
                     "policyDenied")))))

(provide 'weir-tests)
;;; weir-tests.el ends here
